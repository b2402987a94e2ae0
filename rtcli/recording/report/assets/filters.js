"use strict";
/* The terms of /filter, as rtcli/protocol/filters.py has them: terms between spaces, all must match, `-` negates.

   A row says of an event: `type`, `direction` ("<" or ">"), `items` (the ids of those it is about), `failed`. */

// What Python's str.split() takes for space.
const SPACES = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/;
const TYPE_GLOB = /^[\p{L}\p{N}_.*?[\]!-]+$/u;
const MIN_END = 3; // characters of an id's end: a shorter one would fit too much

/** A term that can match nothing. The message is for users. */
class FilterError extends Error {}

/** The test that an expression says; an empty one lets everything pass. Throws FilterError. */
function parseFilter(expression) {
  const tests = expression.split(SPACES).filter(Boolean).map(parseTerm);
  return (row) => tests.every((test) => test(row));
}

function parseTerm(term) {
  if (term.startsWith("-")) {
    if (term === "-") throw new FilterError("the filter term '-' negates nothing (write -response.* or -error)");
    const negated = parseTerm(term.slice(1));
    return (row) => !negated(row);
  }
  if (term === "<" || term === ">") return (row) => row.direction === term;
  if (term === "error") return (row) => row.failed;
  const equals = term.indexOf("=");
  if (equals >= 0) return itemTest(term.slice(0, equals), term.slice(equals + 1));
  if (!TYPE_GLOB.test(term)) {
    const example = "for example: response.* -*.delta < item=ID";
    throw new FilterError(`the filter term '${term}' is not an event type (${example})`);
  }
  const tokens = globTokens(term);
  return (row) => matchesGlob(row.type, tokens);
}

function itemTest(key, value) {
  if (key !== "item" || !value) {
    throw new FilterError(`unknown filter term ${key}=${value} (the only term with a value is item=ID)`);
  }
  return (row) => row.items.some((id) => fitsId(id, value));
}

/** Whether a typed form stands for an id: the whole, `item_…bCdEf`, or its end alone. */
function fitsId(id, typed) {
  const ellipsis = typed.indexOf("…");
  if (ellipsis < 0) return id === typed || ([...typed].length >= MIN_END && id.endsWith(typed));
  const start = typed.slice(0, ellipsis);
  const end = typed.slice(ellipsis + 1);
  return id.startsWith(start) && id.endsWith(end) && [...end].length >= MIN_END;
}

/** A glob as tokens: "*", or a test of one character. `[` without its end stands for itself. */
function globTokens(glob) {
  const characters = [...glob];
  const tokens = [];
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at];
    if (character === "*") {
      tokens.push("*");
    } else if (character === "?") {
      tokens.push(() => true);
    } else if (character === "[" && endOfSet(characters, at + 1) > 0) {
      const end = endOfSet(characters, at + 1);
      tokens.push(setTest(characters.slice(at + 1, end)));
      at = end;
    } else {
      tokens.push((other) => other === character);
    }
  }
  return tokens;
}

/** Where the `]` of a set is that begins here; -1: nowhere. Right behind `[` or `[!` it is a member. */
function endOfSet(characters, first) {
  let at = first;
  if (characters[at] === "!") at++;
  if (characters[at] === "]") at++;
  return characters.indexOf("]", at);
}

function setTest(members) {
  const negated = members[0] === "!";
  const inside = negated ? members.slice(1) : members;
  const ranges = [];
  for (let at = 0; at < inside.length; at++) {
    const isRange = inside[at + 1] === "-" && at + 2 < inside.length;
    ranges.push([inside[at].codePointAt(0), inside[isRange ? at + 2 : at].codePointAt(0)]);
    if (isRange) at += 2;
  }
  return (character) => {
    const code = character.codePointAt(0);
    return ranges.some(([low, high]) => low <= code && code <= high) !== negated;
  };
}

/** Whether the tokens match a text as a whole. Of several stars only the last one is tried again. */
function matchesGlob(text, tokens) {
  const characters = [...text];
  let at = 0;
  let token = 0;
  let star = -1;
  let resume = 0;
  while (at < characters.length) {
    if (tokens[token] === "*") {
      star = token++;
      resume = at;
    } else if (token < tokens.length && tokens[token](characters[at])) {
      token++;
      at++;
    } else if (star >= 0) {
      token = star + 1;
      at = ++resume;
    } else {
      return false;
    }
  }
  while (tokens[token] === "*") token++;
  return token === tokens.length;
}

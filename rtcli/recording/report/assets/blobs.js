"use strict";
/* Reads the data elements of the page: JSON, bytes in base64, and gzip in base64. */

/** The JSON value in an element. */
function jsonOf(id) {
  return JSON.parse(document.getElementById(id).textContent);
}

/** The bytes in an element; nothing where the page has none of that name. */
function bytesOf(id) {
  const element = document.getElementById(id);
  const text = element ? atob(element.textContent) : "";
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) bytes[index] = text.charCodeAt(index);
  return bytes;
}

/** The unpacked bytes of an element. */
async function unpacked(id) {
  const packed = new Blob([bytesOf(id)]).stream();
  const plain = packed.pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(plain).arrayBuffer());
}

/** The unpacked text of an element. */
async function unpackedText(id) {
  return new TextDecoder().decode(await unpacked(id));
}

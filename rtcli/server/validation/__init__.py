"""What a client event may look like, and the API's own words for one that is refused."""

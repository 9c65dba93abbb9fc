"""Which waiting picture is drawn when: requests in, pictures out, one device between them."""

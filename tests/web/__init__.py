"""The portal over HTTP, without a browser: each page called as a browser calls it."""

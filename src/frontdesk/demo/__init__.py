"""The demo: an organization to look around in, and a shop page that embeds its web chat. `frontdesk demo` starts it."""

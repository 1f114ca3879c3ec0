"""The node's end of the link: HTTP to the hub, and the folder HOME/link."""

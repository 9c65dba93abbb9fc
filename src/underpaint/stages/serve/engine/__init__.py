"""The process that holds a model and draws, apart from the server, so that its crash is a restart and no more."""

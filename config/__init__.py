"""One typed tree of settings, its loader and an annotated example; imports the options of every part."""

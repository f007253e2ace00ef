//! Where rows go: one file or folder for each sink, none knowing another.

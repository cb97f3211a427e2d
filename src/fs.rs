//! File access that names the path in every error, writes whole files or nothing, and never leaves a folder.

// Package install puts what the local stack needs onto the machine, once, into
// folders that git ignores: the npm packages of local/package.json, SecantusDB
// from PyPI, and the functions' bootstraps. It says each thing that it
// installs in one line, and is safe to run from several processes at once.
package install

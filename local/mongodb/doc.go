// Package mongodb gives the local stack and the tests a MongoDB with change
// streams: the first that there is of a server of the user's own
// (MONGODB_URI), a mongod (MONGOD_BIN or on PATH, run as a replica set of one
// node), secantusd-rs on PATH, and SecantusDB from PyPI, installed on first
// use. What Start started listens on loopback only and ends with this process.
package mongodb

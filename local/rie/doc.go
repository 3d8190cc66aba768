// Package rie runs a function under AWS's own Runtime Interface Emulator, which
// is what `sam local invoke` has in its container, without the container.
package rie

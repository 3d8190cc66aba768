package outage

import (
	"math/rand/v2"
	"net"
	"strconv"
	"time"
)

// listen listens on an address of loopback; with "", on one below those that the
// system gives to connections, which could take it while nothing listens there.
func listen(addr string) (l net.Listener, err error) {
	for range 100 {
		to := addr
		if to == "" {
			to = "127.0.0.1:" + strconv.Itoa(20_000+rand.IntN(10_000))
		}
		if l, err = net.Listen("tcp", to); err == nil {
			return l, nil
		}
		if addr != "" {
			time.Sleep(50 * time.Millisecond) // it was ours, and will be again
		}
	}
	return nil, err
}

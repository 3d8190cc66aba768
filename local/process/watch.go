package process

import (
	"os"
	"os/exec"
	"slices"
	"strconv"
)

// watch rewrites cmd to be started by a shell that leaves a watcher behind and
// then becomes the command, under the same process id. The watcher reads from
// a pipe that only this process holds open: end of file means that this
// process is gone, and the watcher kills the group.
func watch(cmd *exec.Cmd) (release func(), err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	sh, err := exec.LookPath("sh")
	if err != nil {
		return nil, err
	}
	fd := strconv.Itoa(3 + len(cmd.ExtraFiles))
	script := `(trap '' TERM; read _ <&` + fd + `; kill -KILL -$$) </dev/null >/dev/null 2>&1 & ` +
		`exec ` + fd + `<&-; exec "$0" "$@"`
	cmd.Args = slices.Concat([]string{"sh", "-c", script, cmd.Path}, cmd.Args[1:])
	cmd.Path = sh
	cmd.ExtraFiles = append(cmd.ExtraFiles, r)
	return func() { r.Close(); w.Close() }, nil
}

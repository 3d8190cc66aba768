package install

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// SAMVersion is the version of the AWS SAM command line whose wheel the
// emulator is taken from.
const SAMVersion = "1.170.0"

// ErrNoEmulator means that there is no emulator for this system.
var ErrNoEmulator = errors.New("AWS's Runtime Interface Emulator is for Linux on x86-64 and arm64 only")

// Emulator installs AWS's Lambda Runtime Interface Emulator below tools unless
// it is there, and returns its path. It is the binary that `sam local invoke`
// puts into its container, out of the wheel of aws-sam-cli.
func Emulator(ctx context.Context, py Python, tools string, notice func(string)) (string, error) {
	arch := map[string]string{"amd64": "x86_64", "arm64": "arm64"}[runtime.GOARCH]
	if runtime.GOOS != "linux" || arch == "" {
		return "", ErrNoEmulator
	}
	dir := filepath.Join(tools, "aws-lambda-rie-"+SAMVersion)
	bin := filepath.Join(dir, "aws-lambda-rie")
	unlock, err := Lock(ctx, dir+".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(bin); err == nil {
		return bin, nil
	}
	notice("installing AWS's Lambda Runtime Interface Emulator (from aws-sam-cli " + SAMVersion + ", from PyPI) into " + dir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("install emulator: %w", err)
	}
	cmd := exec.CommandContext(ctx, py.Path, "-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check",
		"--no-deps", "--only-binary", ":all:", "--dest", dir, "aws-sam-cli=="+SAMVersion)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("install emulator with %s -m pip: %w: %s", py.Path, err, lastLines(stderr.String(), 3))
	}
	wheels, err := filepath.Glob(filepath.Join(dir, "*.whl"))
	if err != nil || len(wheels) != 1 {
		return "", fmt.Errorf("install emulator: %d wheels in %s: remove the folder", len(wheels), dir)
	}
	defer os.Remove(wheels[0])
	if err := unzip(wheels[0], "samcli/local/rapid/aws-lambda-rie-"+arch, bin); err != nil {
		return "", fmt.Errorf("install emulator: %w", err)
	}
	return bin, nil
}

// unzip writes one member of an archive as an executable, whole or not at all.
func unzip(archive, member, to string) error {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer z.Close()
	in, err := z.Open(member)
	if err != nil {
		return err
	}
	defer in.Close()
	partial := to + ".partial"
	out, err := os.OpenFile(partial, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err := errors.Join(err, out.Close()); err != nil {
		return err
	}
	return os.Rename(partial, to)
}

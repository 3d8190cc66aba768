// Command infra is the CDK app: it turns causeway.yaml into the CloudFormation
// template of one stack. `npx cdk deploy` runs it, and `make template`.
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/infra/stack"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// quietly ends the CDK's Node.js process, which says on its standard error that
// it was ended.
func quietly(end func()) {
	if null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0); err == nil {
		stderr := os.Stderr
		os.Stderr = null
		defer func() { os.Stderr = stderr }()
	}
	end()
}

func run() error {
	config := os.Getenv("CONFIG")
	if config == "" {
		config = "causeway.yaml"
	}
	m, err := manifest.Load(config)
	if err != nil {
		return err
	}
	if m.Deployment == nil {
		return fmt.Errorf("%s: %w", config, stack.ErrNoDeployment)
	}
	// Built for the processor of the functions, or, to be tried here, of this machine.
	local := os.Getenv("CAUSEWAY_BUILD") == "host"
	arch, from := stack.ARM64, "dist"
	if local {
		arch, from = stack.Host(runtime.GOARCH), filepath.Join("dist", "host")
	}
	bundles, err := stack.Bundle(filepath.Join(".causeway", "bundle", m.Deployment.Name), from, arch, m)
	if err != nil {
		return err
	}
	bundles.Local = local
	definition, err := os.ReadFile(filepath.Join("functions", "initial-sync", "statemachine.asl.json"))
	if err != nil {
		return fmt.Errorf("read state machine: %w", err)
	}
	defer quietly(jsii.Close)
	app := awscdk.NewApp(nil)
	if _, err := stack.New(app, stack.Options{Manifest: m, Definition: string(definition), Bundles: bundles}); err != nil {
		return err
	}
	assembly := app.Synth(nil)
	if local {
		return writeVariables(filepath.Join(*assembly.Directory(), "env.json"))
	}
	return nil
}

// writeVariables writes what leads `sam local invoke` to the local stack, if one
// runs here.
func writeVariables(file string) error {
	info, err := os.ReadFile(filepath.Join(".causeway", "local.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read local stack: %w", err)
	}
	variables, err := stack.SAMVariables(info)
	if err != nil {
		return err
	}
	return os.WriteFile(file, variables, 0o600)
}

// Command infra is the CDK app: it turns causeway.yaml into the CloudFormation
// template of one stack. `npx cdk deploy` runs it, and `make template`.
package main

import (
	"fmt"
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
	arch, from := stack.ARM64, "dist"
	if os.Getenv("CAUSEWAY_BUILD") == "host" {
		arch, from = stack.Host(runtime.GOARCH), filepath.Join("dist", "host")
	}
	bundles, err := stack.Bundle(filepath.Join(".causeway", "bundle", m.Deployment.Name), from, arch, m)
	if err != nil {
		return err
	}
	definition, err := os.ReadFile(filepath.Join("functions", "initial-sync", "statemachine.asl.json"))
	if err != nil {
		return fmt.Errorf("read state machine: %w", err)
	}
	defer quietly(jsii.Close)
	app := awscdk.NewApp(nil)
	if _, err := stack.New(app, stack.Options{Manifest: m, Definition: string(definition), Bundles: bundles}); err != nil {
		return err
	}
	app.Synth(nil)
	return nil
}

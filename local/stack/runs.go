package stack

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	coreditto "github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/execution"
	"github.com/causeway-sync/causeway/core/manifest"
	coremongo "github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/sweep"
	"github.com/causeway-sync/causeway/local/lambda"
	"github.com/causeway-sync/causeway/local/stepfunctions"
)

// sweepConcurrency is how many steps of runs go on at once.
const sweepConcurrency = 4

// startStepFunctions starts what executes the state machine. The function that
// it invokes is started later: nobody starts an execution before.
func (s *Stack) startStepFunctions(ctx context.Context, node string) error {
	log, err := s.log("stepfunctions")
	if err != nil {
		return err
	}
	s.stepFunctions, err = stepfunctions.Start(ctx, stepfunctions.Options{
		Root: s.opts.Root, Node: node, Port: s.opts.ports().stepFunctions, Log: log, Invoke: invoker{s},
		Substitutions: map[string]string{"InitialSyncFunctionArn": lambda.New(lambda.Config{Name: InitialSync}).ARN()},
	})
	if err != nil {
		return err
	}
	s.onStop("Step Functions stand-in", s.stepFunctions.Stop)
	s.info.StepFunctions = StepFunctions{s.stepFunctions.Endpoint, s.stepFunctions.StateMachineARN}
	s.child("stepfunctions", s.stepFunctions.PID)
	return nil
}

// invoker invokes the stack's functions.
type invoker struct{ s *Stack }

func (i invoker) Invoke(ctx context.Context, function string, payload []byte) ([]byte, string, error) {
	return stepfunctions.Lambda(i.s.functions[InitialSync]).Invoke(ctx, function, payload)
}

// Machine is the stack's state machine.
func (i *Info) Machine() *execution.Machine {
	client := sfn.New(sfn.Options{
		Region: lambda.Region, BaseEndpoint: &i.StepFunctions.Endpoint,
		Credentials: aws.NewCredentialsCache(credentials.NewStaticCredentialsProvider("local", "local", "")),
	})
	return execution.New(i.StepFunctions.StateMachine, func(context.Context) (execution.API, error) { return client, nil })
}

// activate notes, before the first event, that Causeway looks at the collections
// from now on.
func (s *Stack) activate(ctx context.Context, m *manifest.Manifest) error {
	client, err := coremongo.Connect(s.mongo.URI, m.Database)
	if err != nil {
		return err
	}
	defer client.Close(context.WithoutCancel(ctx))
	exec, err := coreditto.NewClient(coreditto.ClientConfig{Endpoint: s.info.Ditto.URL, Keys: coreditto.StaticKey(s.info.Ditto.APIKey)})
	if err != nil {
		return err
	}
	return (&sweep.Runner{Manifest: m, DB: client, Ditto: exec}).Activate(ctx)
}

// initialSync copies what was there before the first event, or takes the
// baseline, and tells how far that got. One that a stop has interrupted is carried
// on. Events flow meanwhile.
func (s *Stack) initialSync(ctx context.Context, m *manifest.Manifest) {
	err := s.initialRun(ctx, m)
	if err != nil && ctx.Err() == nil {
		s.say("initial sync: " + err.Error() + "\n`causeway sync` tries again, and so does the next start.")
	}
}

func (s *Stack) initialRun(ctx context.Context, m *manifest.Manifest) error {
	client, err := coremongo.Connect(s.mongo.URI, m.Database)
	if err != nil {
		return err
	}
	defer client.Close(context.WithoutCancel(ctx))
	runner := &sweep.Runner{Manifest: m, DB: client}
	for {
		in, err := runner.Initial(ctx)
		if err != nil || in == nil {
			return err
		}
		started := time.Now()
		name := sweep.RunName(sweep.Initial, "", started)
		run := name
		if in.Resume != "" {
			run = in.Resume
		}
		machine := s.info.Machine()
		e, err := machine.Start(ctx, name, *in)
		if err != nil {
			return err
		}
		label := "initial sync"
		if in.Resume != "" {
			label += ", carried on"
		}
		meter := execution.NewMeter(s.opts.Out, label, time.Now)
		sum, err := machine.Follow(ctx, e, run, runner, meter.Show)
		meter.Clear()
		if err != nil {
			return err
		}
		took := time.Since(started).Round(100 * time.Millisecond)
		s.say(fmt.Sprintf("%s: %s (%s)", label, strings.Join(execution.Result(sum), "\n  "), took))
		if !sum.OK {
			return errors.New("not all was done: `causeway runs show " + run + "` says more")
		}
		if in.Resume == "" {
			return nil
		}
	}
}

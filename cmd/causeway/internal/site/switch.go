package site

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	smithytime "github.com/aws/smithy-go/time"
)

// Lambda is the part of AWS Lambda that is used.
type Lambda interface {
	GetEventSourceMapping(ctx context.Context, in *lambda.GetEventSourceMappingInput, opts ...func(*lambda.Options)) (*lambda.GetEventSourceMappingOutput, error)
	UpdateEventSourceMapping(ctx context.Context, in *lambda.UpdateEventSourceMappingInput, opts ...func(*lambda.Options)) (*lambda.UpdateEventSourceMappingOutput, error)
}

// Rules is the part of AWS EventBridge that is used.
type Rules interface {
	DescribeRule(ctx context.Context, in *eventbridge.DescribeRuleInput, opts ...func(*eventbridge.Options)) (*eventbridge.DescribeRuleOutput, error)
	DisableRule(ctx context.Context, in *eventbridge.DisableRuleInput, opts ...func(*eventbridge.Options)) (*eventbridge.DisableRuleOutput, error)
	EnableRule(ctx context.Context, in *eventbridge.EnableRuleInput, opts ...func(*eventbridge.Options)) (*eventbridge.EnableRuleOutput, error)
}

// Schedules is the part of AWS EventBridge Scheduler that is used.
type Schedules interface {
	GetSchedule(ctx context.Context, in *scheduler.GetScheduleInput, opts ...func(*scheduler.Options)) (*scheduler.GetScheduleOutput, error)
	UpdateSchedule(ctx context.Context, in *scheduler.UpdateScheduleInput, opts ...func(*scheduler.Options)) (*scheduler.UpdateScheduleOutput, error)
}

// Switch stops and starts the taking of messages: the event source mappings of
// the workers, and the timers of sweep and canary. Events go on being queued.
type Switch struct {
	Lambda    Lambda
	Rules     Rules     // nil if no timer is a rule
	Schedules Schedules // nil if no timer is a schedule
	Mappings  []string  // UUIDs
	Timers    []string  // rule:<name>, schedule:<name>

	// Wait waits between two looks at a mapping; a timer's if nil.
	Wait func(context.Context) error
}

// State is whether messages are taken.
type State string

const (
	Running  State = "running"
	Paused   State = "paused"
	Changing State = "changing" // some are paused, or on their way
)

// Pause returns once no message is taken any more.
func (s *Switch) Pause(ctx context.Context) error { return s.set(ctx, false) }

// Resume returns once messages are taken again.
func (s *Switch) Resume(ctx context.Context) error { return s.set(ctx, true) }

// State looks at the mappings.
func (s *Switch) State(ctx context.Context) (State, error) {
	on, off := 0, 0
	for _, uuid := range s.Mappings {
		state, err := s.mapping(ctx, uuid)
		if err != nil {
			return "", err
		}
		switch state {
		case enabled:
			on++
		case disabled:
			off++
		}
	}
	switch len(s.Mappings) {
	case on:
		return Running, nil
	case off:
		return Paused, nil
	}
	return Changing, nil
}

// States of an event source mapping at rest.
const (
	enabled  = "Enabled"
	disabled = "Disabled"
)

func (s *Switch) mapping(ctx context.Context, uuid string) (string, error) {
	out, err := s.Lambda.GetEventSourceMapping(ctx, &lambda.GetEventSourceMappingInput{UUID: &uuid})
	if err != nil {
		return "", fmt.Errorf("look at event source mapping %s: %w", uuid, explain(err))
	}
	return aws.ToString(out.State), nil
}

// set asks for everything, whatever fails of it, and then waits.
func (s *Switch) set(ctx context.Context, on bool) error {
	var errs []error
	for _, uuid := range s.Mappings {
		errs = append(errs, s.setMapping(ctx, uuid, on))
	}
	for _, t := range s.Timers {
		if err := s.setTimer(ctx, t, on); err != nil {
			errs = append(errs, fmt.Errorf("switch %s: %w", t, explain(err)))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, uuid := range s.Mappings {
		if err := s.await(ctx, uuid, on); err != nil {
			return err
		}
	}
	return nil
}

// setMapping asks again while the mapping is busy with an earlier request.
func (s *Switch) setMapping(ctx context.Context, uuid string, on bool) error {
	for {
		_, err := s.Lambda.UpdateEventSourceMapping(ctx, &lambda.UpdateEventSourceMappingInput{UUID: &uuid, Enabled: &on})
		var busy *lambdatypes.ResourceInUseException
		switch {
		case err == nil:
			return nil
		case !errors.As(err, &busy):
			return fmt.Errorf("switch event source mapping %s: %w", uuid, explain(err))
		}
		if err := s.wait(ctx); err != nil {
			return fmt.Errorf("switch event source mapping %s: it is busy: %w", uuid, err)
		}
	}
}

func (s *Switch) await(ctx context.Context, uuid string, on bool) error {
	want := disabled
	if on {
		want = enabled
	}
	for {
		state, err := s.mapping(ctx, uuid)
		if err != nil || state == want {
			return err
		}
		if err := s.wait(ctx); err != nil {
			return fmt.Errorf("event source mapping %s is still %s: %w", uuid, state, err)
		}
	}
}

func (s *Switch) wait(ctx context.Context) error {
	if s.Wait != nil {
		return s.Wait(ctx)
	}
	return smithytime.SleepWithContext(ctx, time.Second)
}

func (s *Switch) setTimer(ctx context.Context, timer string, on bool) error {
	kind, name, _ := strings.Cut(timer, ":")
	switch {
	case kind == "rule" && name != "" && s.Rules != nil:
		return s.setRule(ctx, name, on)
	case kind == "schedule" && name != "" && s.Schedules != nil:
		return s.setSchedule(ctx, name, on)
	}
	return errors.New("the stack's output Schedules is neither rule:<name> nor schedule:<name>: use the command of the version that it was deployed with")
}

func (s *Switch) setRule(ctx context.Context, name string, on bool) error {
	rule, err := s.Rules.DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: &name})
	if err != nil || (rule.State != ebtypes.RuleStateDisabled) == on {
		return err
	}
	if on {
		_, err = s.Rules.EnableRule(ctx, &eventbridge.EnableRuleInput{Name: &name})
	} else {
		_, err = s.Rules.DisableRule(ctx, &eventbridge.DisableRuleInput{Name: &name})
	}
	return err
}

// setSchedule writes the whole schedule again: what an update leaves out is
// reset.
func (s *Switch) setSchedule(ctx context.Context, name string, on bool) error {
	in := &scheduler.GetScheduleInput{Name: &name}
	if group, rest, ok := strings.Cut(name, "/"); ok {
		in.GroupName, in.Name = &group, &rest
	}
	was, err := s.Schedules.GetSchedule(ctx, in)
	if err != nil {
		return err
	}
	state := schedulertypes.ScheduleStateDisabled
	if on {
		state = schedulertypes.ScheduleStateEnabled
	}
	if was.State == state {
		return nil
	}
	_, err = s.Schedules.UpdateSchedule(ctx, &scheduler.UpdateScheduleInput{
		Name: in.Name, GroupName: was.GroupName, State: state,
		ScheduleExpression: was.ScheduleExpression, ScheduleExpressionTimezone: was.ScheduleExpressionTimezone,
		FlexibleTimeWindow: was.FlexibleTimeWindow, Target: was.Target, Description: was.Description, KmsKeyArn: was.KmsKeyArn,
		StartDate: was.StartDate, EndDate: was.EndDate, ActionAfterCompletion: was.ActionAfterCompletion,
	})
	return err
}

package site_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/cmd/causeway/internal/site"
)

// mappings is a Lambda whose mappings take a while: each look at one brings it
// one step nearer to what was asked for, and while it is on its way it is busy.
type mappings struct {
	state map[string][]string // states to come; the last one stays
	asked []string
}

func (m *mappings) next(uuid string) string {
	s := m.state[uuid][0]
	if len(m.state[uuid]) > 1 {
		m.state[uuid] = m.state[uuid][1:]
	}
	return s
}

func (m *mappings) GetEventSourceMapping(_ context.Context, in *lambda.GetEventSourceMappingInput, _ ...func(*lambda.Options)) (*lambda.GetEventSourceMappingOutput, error) {
	if m.state[*in.UUID] == nil {
		return nil, &types.ResourceNotFoundException{}
	}
	s := m.next(*in.UUID)
	return &lambda.GetEventSourceMappingOutput{State: &s}, nil
}

func (m *mappings) UpdateEventSourceMapping(_ context.Context, in *lambda.UpdateEventSourceMappingInput, _ ...func(*lambda.Options)) (*lambda.UpdateEventSourceMappingOutput, error) {
	if s := m.state[*in.UUID][0]; s == "Updating" {
		m.asked = append(m.asked, *in.UUID+" busy")
		m.next(*in.UUID)
		return nil, &types.ResourceInUseException{}
	}
	m.asked = append(m.asked, *in.UUID+map[bool]string{true: " on", false: " off"}[*in.Enabled])
	m.state[*in.UUID] = m.state[*in.UUID][1:]
	return &lambda.UpdateEventSourceMappingOutput{}, nil
}

// Pause waits for a mapping that is busy, and for those that are on their way.
func TestPauseWaits(t *testing.T) {
	m := &mappings{state: map[string][]string{
		"a": {"Enabled", "Disabling", "Disabling", "Disabled"},
		"b": {"Updating", "Updating", "Enabled", "Disabled"},
	}}
	waits := 0
	s := &site.Switch{Lambda: m, Mappings: []string{"a", "b"}, Wait: func(context.Context) error { waits++; return nil }}
	if err := s.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a off", "b busy", "b busy", "b off"}, m.asked); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
	if waits != 4 {
		t.Errorf("waited %d times, want 4", waits)
	}
	if state, err := s.State(t.Context()); state != site.Paused || err != nil {
		t.Errorf("state %s, %v", state, err)
	}
}

func TestState(t *testing.T) {
	for name, tc := range map[string]struct {
		states []string
		want   site.State
	}{
		"Running":  {[]string{"Enabled", "Enabled"}, site.Running},
		"Paused":   {[]string{"Disabled", "Disabled"}, site.Paused},
		"One":      {[]string{"Enabled", "Disabled"}, site.Changing},
		"OnTheWay": {[]string{"Disabling", "Disabled"}, site.Changing},
	} {
		t.Run(name, func(t *testing.T) {
			s := &site.Switch{Lambda: &mappings{state: map[string][]string{"a": {tc.states[0]}, "b": {tc.states[1]}}}, Mappings: []string{"a", "b"}}
			if got, err := s.State(t.Context()); got != tc.want || err != nil {
				t.Errorf("state %s, %v, want %s", got, err, tc.want)
			}
		})
	}
}

func TestSwitchErr(t *testing.T) {
	late := errors.New("too late")
	wait := func(context.Context) error { return late }
	t.Run("NeverPaused", func(t *testing.T) {
		s := &site.Switch{Lambda: &mappings{state: map[string][]string{"a": {"Enabled", "Disabling"}}}, Mappings: []string{"a"}, Wait: wait}
		if err := s.Pause(t.Context()); !errors.Is(err, late) || !strings.Contains(err.Error(), "a is still Disabling") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("AlwaysBusy", func(t *testing.T) {
		s := &site.Switch{Lambda: &mappings{state: map[string][]string{"a": {"Updating"}}}, Mappings: []string{"a"}, Wait: wait}
		if err := s.Resume(t.Context()); !errors.Is(err, late) || !strings.Contains(err.Error(), "busy") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("NoMapping", func(t *testing.T) {
		s := &site.Switch{Lambda: &mappings{}, Mappings: []string{"gone"}}
		if _, err := s.State(t.Context()); err == nil || !strings.Contains(err.Error(), "mapping gone") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("Timer", func(t *testing.T) {
		for _, timer := range []string{"rule:", "schedule:x", "cron:x", "x"} {
			s := &site.Switch{Lambda: &mappings{}, Timers: []string{timer}}
			if err := s.Pause(t.Context()); err == nil || !strings.Contains(err.Error(), timer) || !strings.Contains(err.Error(), "output Schedules") {
				t.Errorf("%s: error %v", timer, err)
			}
		}
	})
}

package stack

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/causeway-sync/causeway/local/lambda"
)

// workers are the functions behind queues.
var workers = []string{MongoToDitto, DittoToMongo}

// startSwitches starts the part of Lambda's API that pauses the workers, on a
// free port. That a worker is paused is kept over a restart.
func (s *Stack) startSwitches() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("start Lambda's API: %w", err)
	}
	api := &lambda.API{Mappings: s.mappings, Switched: s.keepSwitch}
	srv := &http.Server{Handler: api, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = srv.Serve(l) }()
	s.onStop("Lambda's API", func(ctx context.Context) error {
		if err := srv.Shutdown(ctx); err != nil {
			return srv.Close()
		}
		return nil
	})
	s.info.Lambda = "http://" + l.Addr().String()
	return nil
}

// pausedFile is there while a worker is paused.
func (s *Stack) pausedFile(worker string) string { return s.opts.data(worker + ".paused") }

func (s *Stack) paused(worker string) (bool, error) {
	_, err := os.Stat(s.pausedFile(worker))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (s *Stack) keepSwitch(worker string, on bool) error {
	if !on {
		return os.WriteFile(s.pausedFile(worker), nil, 0o600)
	}
	if err := os.Remove(s.pausedFile(worker)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// pausedWorkers are those that leave their queues alone.
func (s *Stack) pausedWorkers() (names []string) {
	for _, name := range workers {
		if paused, err := s.paused(name); paused || err != nil {
			names = append(names, name)
		}
	}
	return names
}

// Switches is a client of the API that pauses the workers, whose event source
// mappings have their names for UUIDs.
func (i *Info) Switches() (client *awslambda.Client, mappings []string) {
	return awslambda.New(awslambda.Options{
		Region: lambda.Region, BaseEndpoint: &i.Lambda,
		Credentials: aws.NewCredentialsCache(credentials.NewStaticCredentialsProvider("local", "local", "")),
	}), workers
}

package main

import (
	"context"
	"errors"
)

// tasks are goroutines of the demo that are stopped together.
type tasks struct {
	cancel  context.CancelFunc
	n       int
	results chan error
}

func begin(ctx context.Context, runs ...func(context.Context) error) *tasks {
	ctx, cancel := context.WithCancel(ctx)
	t := &tasks{cancel: cancel, n: len(runs), results: make(chan error, len(runs))}
	for _, run := range runs {
		go t.runLoop(ctx, run)
	}
	return t
}

func (t *tasks) runLoop(ctx context.Context, run func(context.Context) error) {
	t.results <- run(ctx)
}

// stop ends the tasks and waits for them. It returns err, or what went wrong
// in a task but that it was stopped.
func (t *tasks) stop(err error) error {
	t.cancel()
	for range t.n {
		if result := <-t.results; err == nil && !errors.Is(result, context.Canceled) {
			err = result
		}
	}
	return err
}

package main

import (
	"slices"
	"testing"
)

func TestParseEndpoints(t *testing.T) {
	got, err := parseEndpoints(
		[]string{"@tcp://:1", "*tcp://:2", "+tcp://h:3", ">tcp://h:4", "tcp://h:5", "ipc://@name"},
		[]string{"tcp://:6"}, []string{"tcp://h:7"}, connects)
	want := []endpoint{
		{binds, "tcp://:1"}, {binds, "tcp://:2"}, {connects, "tcp://h:3"}, {connects, "tcp://h:4"},
		{connects, "tcp://h:5"}, {connects, "ipc://@name"}, {binds, "tcp://:6"}, {connects, "tcp://h:7"},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	if got, err := parseEndpoints([]string{"tcp://h:5"}, nil, nil, binds); err != nil || got[0].side != binds {
		t.Errorf("a bare endpoint of a command that binds: %v, %v", got, err)
	}
	for _, bad := range [][]string{nil, {"@inproc://x"}} {
		if got, err := parseEndpoints(bad, nil, nil, binds); err == nil {
			t.Errorf("%q gives %v", bad, got)
		}
	}
}

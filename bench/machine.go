package main

import (
	"bytes"
	"context"
	"maps"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// machine is where it was measured, and with what.
type machine struct {
	CPU        string   `json:"cpu"`
	CPUs       int      `json:"cpus"`
	Memory     int      `json:"memory_mib"`
	Kernel     string   `json:"kernel"`
	Go         string   `json:"go"`
	Compiler   string   `json:"compiler"`
	Revision   string   `json:"revision"`
	Libraries  []string `json:"libraries"`
	LoadBefore string   `json:"load_before"`
	LoadAfter  string   `json:"load_after"`
}

func thisMachine(ctx context.Context, libraries map[string]string) machine {
	m := machine{
		CPU: procField("/proc/cpuinfo", "model name"), CPUs: runtime.NumCPU(), Go: runtime.Version(),
		Kernel: output(ctx, "uname", "-sr"), Compiler: output(ctx, "cc", "--version"),
		Libraries: slices.Sorted(maps.Keys(libraries)), LoadBefore: load(),
		Revision: output(ctx, "git", "rev-parse", "--short", "HEAD"),
	}
	if output(ctx, "git", "status", "--porcelain", "--untracked-files=no") != "" {
		m.Revision += " and changes"
	}
	kib, _ := strconv.Atoi(strings.TrimSuffix(procField("/proc/meminfo", "MemTotal"), " kB"))
	m.Memory = kib >> 10
	return m
}

// output is the first line that a program writes, "" if there is no such program.
func output(ctx context.Context, program string, args ...string) string {
	out, _ := exec.CommandContext(ctx, program, args...).Output()
	first, _, _ := bytes.Cut(out, []byte("\n"))
	return strings.TrimSpace(string(first))
}

// procField is a field of a file of lines "name: value".
func procField(file, name string) string {
	b, _ := os.ReadFile(file)
	for line := range strings.Lines(string(b)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// load is the load average of the last minute: how quiet the machine is.
func load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(b), " ")
	return first
}

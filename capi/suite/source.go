package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// source fetches a source package of Debian's and unpacks it, once. Apt holds
// it against the signed index.
func (r *run) source(ctx context.Context, name string) (dir string, err error) {
	dir = filepath.Join(r.cache, name)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	fetched, err := os.MkdirTemp("", "suite-"+name)
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(fetched)
	if err := wantSources(ctx, name); err != nil {
		return "", err
	}
	if err := tool(ctx, fetched, "apt-get", "source", "--download-only", name); err != nil {
		return "", err
	}
	list, err := filepath.Glob(filepath.Join(fetched, "*.dsc"))
	if err != nil || len(list) != 1 {
		return "", fmt.Errorf("apt-get source %s: %d descriptions, want one (%w)", name, len(list), err)
	}
	if err := os.MkdirAll(r.cache, 0o755); err != nil {
		return "", err
	}
	return dir, tool(ctx, r.cache, "dpkg-source", "--no-check", "-x", list[0], dir)
}

// wantSources makes apt look for sources too.
func wantSources(ctx context.Context, name string) error {
	if exec.CommandContext(ctx, "apt-cache", "showsrc", name).Run() == nil {
		return nil
	}
	const path = "/etc/apt/sources.list.d/debian.sources"
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	changed := strings.ReplaceAll(string(text), "Types: deb\n", "Types: deb deb-src\n")
	if err := os.WriteFile(path, []byte(changed), 0o644); err != nil { //nolint:gosec // everybody may read it
		return err
	}
	return tool(ctx, "/", "apt-get", "update")
}

package ch4

import (
	"os"
	"testing"
)

func TestMajordomo(t *testing.T) {
	endpoint := free(t)
	broker := start(t, "mdbroker", "-bind", endpoint)
	broker.expect(t, "active")
	first := start(t, "mdworker", "-connect", endpoint)
	client := start(t, "mdclient", "-connect", endpoint, "-count", "200")
	client.expect(t, "200 requests/replies processed")
	client.wait(t)
	lookup := start(t, "mmiecho", "-connect", endpoint)
	lookup.expect(t, "Lookup echo service: 200")
	lookup.wait(t)
	lookup = start(t, "mmiecho", "-connect", endpoint, "-service", "coffee")
	lookup.expect(t, "Lookup coffee service: 404")
	lookup.wait(t)

	// A worker dies under load, and another one carries on.
	async := start(t, "mdclient2", "-connect", endpoint, "-count", "2000")
	start(t, "mdworker", "-connect", endpoint)
	first.kill()
	async.expect(t, "2000 replies received")
	async.wait(t)
	broker.signal(t, os.Interrupt)
	broker.wait(t)
}

// TestMajordomoVersion01 runs a worker that speaks the old version.
func TestMajordomoVersion01(t *testing.T) {
	endpoint := free(t)
	start(t, "mdbroker", "-bind", endpoint)
	worker := start(t, "mdworker", "-connect", endpoint, "-mdp1", "-verbose")
	client := start(t, "mdclient", "-connect", endpoint, "-count", "1")
	worker.expect(t, "Hello world")
	client.expect(t, "1 requests/replies processed")
	client.wait(t)
}

package ch4

import (
	"os"
	"testing"
)

func TestFreelanceModelOne(t *testing.T) {
	dead, endpoint := free(t), free(t)
	server := start(t, "flserver1", "-endpoint", endpoint)
	server.expect(t, "ready")
	for _, endpoints := range [][]string{{endpoint}, {dead, endpoint}} {
		client := start(t, "flclient1", append([]string{"-try", "2s"}, endpoints...)...)
		client.expect(t, "running OK")
		client.wait(t)
	}
	server.signal(t, os.Interrupt)
	server.wait(t)
	client := start(t, "flclient1", "-try", "50ms", endpoint)
	client.expect(t, "no reply in 3 tries")
}

func TestFreelanceModelTwo(t *testing.T) {
	one, two, dead := free(t), free(t), free(t)
	first := start(t, "flserver2", "-endpoint", one)
	start(t, "flserver2", "-endpoint", two)
	client := start(t, "flclient2", "-count", "1000", "-timeout", "20s", one, two, dead)
	client.expect(t, "average round trip")
	client.wait(t)
	first.kill()
	client = start(t, "flclient2", "-count", "100", "-timeout", "20s", one, two, dead)
	client.expect(t, "average round trip")
	client.wait(t)
}

func TestFreelanceModelThree(t *testing.T) {
	endpoints := []string{free(t), free(t), free(t)}
	var servers []*program
	for _, endpoint := range endpoints {
		server := start(t, "flserver3", "-endpoint", endpoint, "-public", endpoint)
		server.expect(t, "ready")
		servers = append(servers, server)
	}
	client := start(t, "flclient3", append([]string{"-count", "30", "-pause", "50ms", "-timeout", "20s", "-try", "200ms"}, endpoints...)...)
	client.expect(t, "request 5 ")
	servers[0].kill()
	servers[1].kill()
	client.expect(t, "request 30 was answered by "+endpoints[2])
	client.expect(t, "Replies:30")
	client.wait(t)

	client = start(t, "flclient3", append([]string{"-count", "1000", "-timeout", "20s"}, endpoints...)...)
	client.expect(t, "average round trip")
	client.wait(t)
	servers[2].kill()
	client = start(t, "flclient3", append([]string{"-timeout", "100ms"}, endpoints...)...)
	client.expect(t, "not available")
}

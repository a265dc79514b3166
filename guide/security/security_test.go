package security

import (
	"testing"

	"github.com/phimq/zmq/internal/guidetest"
)

func TestMain(m *testing.M) { guidetest.Main(m) }

// TestHouses runs each program to its end.
func TestHouses(t *testing.T) {
	for _, house := range []struct {
		name string
		says []string
	}{
		{"grasslands", []string{"Hello, by mechanism NULL", "Grasslands test OK"}},
		{"strawhouse", []string{"Hello, to an address that is allowed", "the address is denied", "Strawhouse test OK"}},
		{"woodhouse", []string{"Hello, to user admin", "refused with status 400", "Woodhouse test OK"}},
		{"stonehouse", []string{"Hello, by mechanism CURVE", "does not open", "Stonehouse test OK"}},
		{"ironhouse", []string{`Hello, to the one with the "Client test certificate"`, "A stranger is refused with status 400",
			"thrown out, and refused with status 400", "Ironhouse test OK"}},
	} {
		t.Run(house.name, func(t *testing.T) {
			p := guidetest.Start(t, house.name, "-endpoint", guidetest.Free(t))
			for _, line := range house.says {
				p.Expect(t, line)
			}
			p.Wait(t)
		})
	}
}

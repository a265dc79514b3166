package pirate

import (
	"testing"

	"github.com/phimq/zmq/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

package auth

import (
	"maps"

	"github.com/phimq/zmq"
)

// table is who may enter.
type table struct {
	users  map[string]*secret
	dummy  *secret // what the passwords of unknown users are compared with
	keys   map[zmq.CurveKey]map[string]string
	anyKey bool
}

func newTable() table {
	return table{users: map[string]*secret{}, dummy: &secret{}, keys: map[zmq.CurveKey]map[string]string{}}
}

// add lets in whom t lets in as well. Of a user who is in both, t counts.
func (to *table) add(t *table) {
	maps.Copy(to.users, t.users)
	maps.Copy(to.keys, t.keys)
	to.anyKey = to.anyKey || t.anyKey
	for _, s := range t.users {
		if s.slow() {
			to.dummy = s
			break
		}
	}
}

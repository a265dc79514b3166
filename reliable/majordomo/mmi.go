package majordomo

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// The statuses of RFC 8 "Default services".
const (
	mmiFound    = "200"
	mmiNotFound = "404"
	mmiUnknown  = "501"
)

// What waits for a client is looked at after so many octets of answers to all, and one
// for whom more than so many wait gets no more: a short question may have a long answer.
const (
	informBytes = 16 << 20
	behindBytes = 1 << 20
)

// inform answers a request to a service of the broker's own, or says why not.
func (m *machine) inform(id []byte, a asker, msg *message) (status int, text string) {
	if m.behind[string(id)] {
		return statusBusy, "many replies wait to be read"
	}
	body := m.manage(msg.service, msg.body)
	m.reply(id, a, msg.service, final, body)
	if m.informed += sizeOf(body); m.informed > informBytes {
		m.informed = 0
		m.lookBehind()
	}
	return 0, ""
}

// lookBehind looks who does not read.
func (m *machine) lookBehind() { m.behind, m.lookAt = m.unread(behindBytes), m.now+m.cfg.Heartbeat }

// manage answers a request to a service of the broker's own. mmi.service is RFC
// 8's, the others are ours:
//
//	mmi.service NAME   200, or 404 if no worker offers NAME
//	mmi.services       200, and the names that workers offer
//	mmi.workers NAME   200 and how many workers offer NAME, or 404
//	mmi.queue NAME     200 and how many requests wait for NAME, or 404
//	mmi.broker         200, and name=value of the broker itself
func (m *machine) manage(name string, body [][]byte) [][]byte {
	s := m.services[string(body[0])]
	switch name {
	case "mmi.service":
		if s == nil || s.workers == 0 {
			return texts(mmiNotFound)
		}
		return texts(mmiFound)
	case "mmi.services":
		return texts(append([]string{mmiFound}, m.offered()...)...)
	case "mmi.workers":
		if s == nil {
			return texts(mmiNotFound)
		}
		return texts(mmiFound, strconv.Itoa(s.workers))
	case "mmi.queue":
		if s == nil {
			return texts(mmiNotFound)
		}
		return texts(mmiFound, strconv.Itoa(s.queue.n))
	case "mmi.broker":
		return texts(mmiFound,
			"extension="+extensionVersion,
			fmt.Sprintf("heartbeat=%d", m.cfg.Heartbeat/time.Millisecond),
			fmt.Sprintf("liveness=%d", m.cfg.Liveness),
			fmt.Sprintf("services=%d", len(m.offered())),
			fmt.Sprintf("workers=%d", len(m.workers)),
			fmt.Sprintf("waiting=%d", m.queued),
			fmt.Sprintf("running=%d", len(m.jobs)-m.queued))
	}
	return texts(mmiUnknown)
}

// offered are the services that have a worker, in order.
func (m *machine) offered() (names []string) {
	for name, s := range m.services {
		if s.workers > 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func texts(s ...string) [][]byte {
	frames := make([][]byte, len(s))
	for i := range s {
		frames[i] = []byte(s[i])
	}
	return frames
}

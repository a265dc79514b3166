package main

// #include "capi.h"
import "C"

import (
	"math"

	"github.com/phimq/zmq"
)

// shape is how a value lies in memory.
type shape uint8

const (
	shapeInt    shape = iota // int
	shapeBool                // int, 0 or 1
	shapeFlag                // int, 0 or more
	shapeInt64               // int64_t
	shapeUint64              // uint64_t
	shapeOctets              // any length
	shapeText                // the same, and a zero behind it when it is read
	shapeKey                 // 32 octets, or 40 characters of Z85
)

// rule is what libzmq asks of an option. What the option does, and under which
// name, is the core's table: the number joins them.
type rule struct {
	shape    shape
	min, max int64 // of an int; of octets: the length
	step     int64 // of an int: it is rounded down
	access   access
	clear    bool   // only a null pointer clears it
	secret   bool   // the core does not tell it
	every    bool   // libzmq takes it on every socket type, whether or not it does something
	initial  string // of an option that the core does not have: it is kept, and does nothing
}

type access uint8

const (
	readWrite access = iota
	readOnly
	writeOnly
)

// Bounds of ints.
const (
	none = math.MinInt32
	most = math.MaxInt32
)

// Options that libzmq 4.3.4 knows and its stable header does not name.
const (
	zapEnforceDomain = 93
	loopbackFastpath = 94
	multicastLoop    = 96
	socksUsername    = 99
	socksPassword    = 100
)

// rules has every option that a socket may be asked for, by libzmq's number.
var rules = map[C.int]rule{
	C.ZMQ_AFFINITY:           {shape: shapeUint64, initial: "0"},
	C.ZMQ_ROUTING_ID:         {shape: shapeOctets, min: 1, max: 255, every: true},
	C.ZMQ_SUBSCRIBE:          {shape: shapeOctets, max: most, access: writeOnly},
	C.ZMQ_UNSUBSCRIBE:        {shape: shapeOctets, max: most, access: writeOnly},
	C.ZMQ_RATE:               {min: 1, max: most, initial: "100"},
	C.ZMQ_RECOVERY_IVL:       {max: most, initial: "10000"},
	C.ZMQ_SNDBUF:             {min: -1, max: most},
	C.ZMQ_RCVBUF:             {min: -1, max: most},
	C.ZMQ_TYPE:               {access: readOnly},
	C.ZMQ_LINGER:             {min: -1, max: most},
	C.ZMQ_RECONNECT_IVL:      {min: -1, max: most},
	C.ZMQ_BACKLOG:            {max: most},
	C.ZMQ_RECONNECT_IVL_MAX:  {max: most},
	C.ZMQ_MAXMSGSIZE:         {shape: shapeInt64},
	C.ZMQ_SNDHWM:             {max: most},
	C.ZMQ_RCVHWM:             {max: most},
	C.ZMQ_MULTICAST_HOPS:     {min: 1, max: most, initial: "1"},
	C.ZMQ_RCVTIMEO:           {min: -1, max: most},
	C.ZMQ_SNDTIMEO:           {min: -1, max: most},
	C.ZMQ_LAST_ENDPOINT:      {shape: shapeText, access: readOnly},
	C.ZMQ_ROUTER_MANDATORY:   {shape: shapeFlag, access: writeOnly},
	C.ZMQ_TCP_KEEPALIVE:      {min: -1, max: 1},
	C.ZMQ_TCP_KEEPALIVE_CNT:  {min: -1, max: most},
	C.ZMQ_TCP_KEEPALIVE_IDLE: {min: -1, max: most},

	C.ZMQ_TCP_KEEPALIVE_INTVL:  {min: -1, max: most},
	C.ZMQ_IMMEDIATE:            {shape: shapeBool},
	C.ZMQ_XPUB_VERBOSE:         {shape: shapeFlag, access: writeOnly},
	C.ZMQ_ROUTER_RAW:           {shape: shapeFlag, access: writeOnly, initial: "0"},
	C.ZMQ_IPV6:                 {shape: shapeBool},
	C.ZMQ_MECHANISM:            {access: readOnly},
	C.ZMQ_PLAIN_SERVER:         {shape: shapeBool},
	C.ZMQ_PLAIN_USERNAME:       {shape: shapeText, min: 1, max: 255},
	C.ZMQ_PLAIN_PASSWORD:       {shape: shapeText, min: 1, max: 255, secret: true},
	C.ZMQ_CURVE_SERVER:         {shape: shapeBool},
	C.ZMQ_CURVE_PUBLICKEY:      {shape: shapeKey},
	C.ZMQ_CURVE_SECRETKEY:      {shape: shapeKey, secret: true},
	C.ZMQ_CURVE_SERVERKEY:      {shape: shapeKey},
	C.ZMQ_ZAP_DOMAIN:           {shape: shapeText, max: 254},
	C.ZMQ_SOCKS_PROXY:          {shape: shapeText, max: most, clear: true},
	zapEnforceDomain:           {shape: shapeFlag},
	loopbackFastpath:           {shape: shapeFlag, initial: "0"},
	multicastLoop:              {shape: shapeFlag, initial: "1"},
	socksUsername:              {shape: shapeText, max: 255},
	socksPassword:              {shape: shapeText, max: 255, secret: true},
	C.ZMQ_PROBE_ROUTER:         {shape: shapeFlag, access: writeOnly},
	C.ZMQ_REQ_CORRELATE:        {shape: shapeFlag, access: writeOnly},
	C.ZMQ_REQ_RELAXED:          {shape: shapeFlag, access: writeOnly},
	C.ZMQ_CONFLATE:             {shape: shapeBool, every: true},
	C.ZMQ_ROUTER_HANDOVER:      {shape: shapeFlag, access: writeOnly},
	C.ZMQ_TOS:                  {max: most},
	C.ZMQ_CONNECT_ROUTING_ID:   {shape: shapeOctets, min: 1, max: 255, access: writeOnly},
	C.ZMQ_HANDSHAKE_IVL:        {max: most},
	C.ZMQ_XPUB_NODROP:          {shape: shapeFlag, access: writeOnly},
	C.ZMQ_XPUB_MANUAL:          {shape: shapeFlag, access: writeOnly},
	C.ZMQ_XPUB_WELCOME_MSG:     {shape: shapeOctets, max: most, access: writeOnly},
	C.ZMQ_STREAM_NOTIFY:        {shape: shapeBool, access: writeOnly},
	C.ZMQ_INVERT_MATCHING:      {shape: shapeFlag, every: true},
	C.ZMQ_HEARTBEAT_IVL:        {max: most},
	C.ZMQ_HEARTBEAT_TTL:        {max: 6553599, step: 100},
	C.ZMQ_HEARTBEAT_TIMEOUT:    {max: most},
	C.ZMQ_XPUB_VERBOSER:        {shape: shapeFlag, access: writeOnly},
	C.ZMQ_CONNECT_TIMEOUT:      {max: most},
	C.ZMQ_TCP_MAXRT:            {max: most},
	C.ZMQ_MULTICAST_MAXTPDU:    {min: 1, max: most, initial: "1500"},
	C.ZMQ_VMCI_BUFFER_SIZE:     {shape: shapeUint64, initial: "0"},
	C.ZMQ_VMCI_BUFFER_MIN_SIZE: {shape: shapeUint64, initial: "0"},
	C.ZMQ_VMCI_BUFFER_MAX_SIZE: {shape: shapeUint64, initial: "0"},
	C.ZMQ_VMCI_CONNECT_TIMEOUT: {min: none, max: most, initial: "-1"},
	C.ZMQ_USE_FD:               {min: -1, max: most, initial: "-1"},
	C.ZMQ_BINDTODEVICE:         {shape: shapeText, max: most, clear: true},
}

// coreOptions is the core's table by libzmq's numbers.
var coreOptions = coreByNumber()

func coreByNumber() map[C.int]zmq.OptionInfo {
	m := map[C.int]zmq.OptionInfo{}
	for _, o := range zmq.Options() {
		if o.Number != 0 {
			m[C.int(o.Number)] = o
		}
	}
	return m
}

// coreOption finds the core's row of an option; nil if it has none.
func coreOption(number C.int) *zmq.OptionInfo {
	if o, ok := coreOptions[number]; ok {
		return &o
	}
	return nil
}

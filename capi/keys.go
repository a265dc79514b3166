package main

// #include "capi.h"
import "C"

import (
	"crypto/ecdh"
	"crypto/rand"
	"syscall"
	"unsafe"

	"github.com/phimq/zmq/z85"
)

// Lengths of a key, as octets and in Z85.
const (
	keySize = 32
	keyText = 40
)

// storeKey writes a key as octets or as text, as there is room. No key is all
// zeros.
func storeKey(key string, room []byte) C.int {
	raw := make([]byte, keySize)
	switch len(key) {
	case keySize:
		copy(raw, key)
	case keyText:
		decoded, err := z85.Decode(key)
		if err != nil {
			return result(syscall.EINVAL)
		}
		copy(raw, decoded)
	}
	switch len(room) {
	case keySize:
		copy(room, raw)
		return 0
	case keyText + 1:
		text, err := z85.Encode(raw)
		copy(room, text+"\x00")
		return result(err)
	}
	return result(syscall.EINVAL)
}

//export capiZ85Encode
func capiZ85Encode(dest *C.char, data *C.uint8_t, size C.size_t) C.int {
	if size%4 != 0 || data == nil && size > 0 {
		return result(syscall.EINVAL)
	}
	text, err := z85.Encode(unsafe.Slice((*byte)(data), int(size)))
	if err != nil {
		return result(syscall.EINVAL)
	}
	put(dest, text)
	return 0
}

//export capiZ85Decode
func capiZ85Decode(dest *C.uint8_t, text *C.char) C.int {
	data, err := z85.Decode(C.GoString(text))
	if err != nil {
		return result(syscall.EINVAL)
	}
	copy(unsafe.Slice((*byte)(dest), len(data)), data)
	return 0
}

//export capiCurveKeypair
func capiCurveKeypair(public, secret *C.char) C.int {
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return result(syscall.EIO)
	}
	return putKeys(public, key.PublicKey().Bytes(), secret, key.Bytes())
}

//export capiCurvePublic
func capiCurvePublic(public, secret *C.char) C.int {
	data, err := z85.Decode(C.GoString(secret))
	if err != nil || len(data) != keySize {
		return result(syscall.EINVAL)
	}
	key, err := ecdh.X25519().NewPrivateKey(data)
	if err != nil {
		return result(syscall.EINVAL)
	}
	return putKeys(public, key.PublicKey().Bytes(), nil, nil)
}

// putKeys writes keys as text. Keys have 32 octets, so encoding can't fail.
func putKeys(public *C.char, publicKey []byte, secret *C.char, secretKey []byte) C.int {
	for dest, key := range map[*C.char][]byte{public: publicKey, secret: secretKey} {
		if dest == nil {
			continue
		}
		text, err := z85.Encode(key)
		if err != nil {
			return result(syscall.EINVAL)
		}
		put(dest, text)
	}
	return 0
}

// put writes text with the zero that ends it.
func put(dest *C.char, text string) {
	room := unsafe.Slice((*byte)(unsafe.Pointer(dest)), len(text)+1)
	copy(room, text)
	room[len(text)] = 0
}

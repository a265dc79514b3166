module github.com/phimq/zmq/capi

go 1.26.0

require github.com/phimq/zmq v0.0.0

require (
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace github.com/phimq/zmq => ../

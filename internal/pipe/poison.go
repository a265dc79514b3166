//go:build !race

package pipe

const poison = false

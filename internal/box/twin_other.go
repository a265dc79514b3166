//go:build !amd64 || purego

package box

func (k *Key) seal(sealed, plain []byte, counter uint64) { k.sealGeneric(sealed, plain, counter) }

func (k *Key) open(plain, sealed []byte, counter uint64) bool {
	return k.openGeneric(plain, sealed, counter)
}

// sealAll seals the items one by one.
func (k *Key) sealAll(items []Item) int {
	for i := range items {
		it := &items[i]
		if !it.fits() {
			return i
		}
		k.sealGeneric(it.Sealed, it.Plain, it.Counter)
	}
	return len(items)
}

// openAll opens the items one by one.
func (k *Key) openAll(items []Item) int {
	for i := range items {
		it := &items[i]
		if !it.fits() || !k.openGeneric(it.Plain, it.Sealed, it.Counter) {
			return i
		}
	}
	return len(items)
}

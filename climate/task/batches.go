package task

import "github.com/kiban-models/kiban/core/dataset"

// batches puts the examples of several stores in batches, each of one store, in
// an order of their own in each epoch. The last batch of a store is filled up
// with the first of its examples in that epoch.
type batches struct {
	sizes []int // examples of each store
	size  int
	seed  uint64
}

// of returns the number of batches of a store in an epoch.
func (b batches) of(store int) int { return (b.sizes[store] + b.size - 1) / b.size }

// perEpoch returns the number of batches of an epoch.
func (b batches) perEpoch() int {
	n := 0
	for i := range b.sizes {
		n += b.of(i)
	}
	return n
}

// storeAt returns the store of batch n, counted from 0 over all epochs, the
// epoch, and which of the store's batches it is.
func (b batches) storeAt(n int) (store, epoch, batch int) {
	epoch = n / b.perEpoch()
	p := dataset.NewPermutation(int64(b.perEpoch()), b.seed, int64(epoch))
	batch = int(p.At(int64(n % b.perEpoch())))
	for store = 0; batch >= b.of(store); store++ {
		batch -= b.of(store)
	}
	return store, epoch, batch
}

// at appends the examples of batch n. They depend on nothing but n and the seed.
func (b batches) at(dst []int, n int) (examples []int, store, epoch int) {
	store, epoch, batch := b.storeAt(n)
	count := b.sizes[store]
	// Another order than that of the batches, and of the other stores.
	p := dataset.NewPermutation(int64(count), b.seed+uint64(store+1)*0x9e3779b97f4a7c15, int64(epoch))
	for i := range b.size {
		dst = append(dst, int(p.At(int64((batch*b.size+i)%count))))
	}
	return dst, store, epoch
}

// Package trie knows which topic prefixes are wanted, and by whom.
//
// A Set holds the subscriptions of one subscriber and counts them; a Map holds those of many, a set of topics for
// each owner. Both match as RFC 29 and RFC 37 "The Publish-Subscribe Pattern" ask: a topic matches the messages that
// begin with it, and the empty topic matches all.
//
// Both stand on a radix tree: a node for each topic and for each place where topics part, joined by edges that
// carry the octets between. Nothing recurses on the length of a topic, and the time for a topic follows its own
// length alone. Neither type is safe for several goroutines at once.
package trie

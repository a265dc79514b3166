package zmq

// securityOptions are the options of the security mechanisms. As in libzmq each
// of them also chooses its mechanism; the last one counts.
func securityOptions() []optionInfo {
	return []optionInfo{
		mechanismField(optionInfo{name: "plain_server", number: 44,
			doc: "Be a server of PLAIN."}, mechanismPlain),
		credential(optionInfo{name: "plain_username", number: 45, unit: "octets", max: 255,
			doc: "User name of a client of PLAIN."},
			func(c *security) string { return c.username },
			func(c *security, text string) { c.mechanism, c.server, c.username = mechanismPlain, false, text }),
		credential(optionInfo{name: "plain_password", number: 46, unit: "octets", max: 255,
			doc: "Password of a client of PLAIN."},
			nil,
			func(c *security, text string) {
				c.mechanism, c.server, c.password = mechanismPlain, false, newHidden(text)
			}),
		mechanismField(optionInfo{name: "curve_server", number: 47,
			doc: "Be a server of CURVE."}, mechanismCurve),
		credential(optionInfo{name: "curve_publickey", number: 48, unit: "Z85, or 32 octets", max: keyText, valid: validKey,
			doc: "Own public key; it follows from the secret key, too."},
			func(c *security) string { return keyString(c.publicKey) },
			func(c *security, text string) { c.mechanism, c.publicKey = mechanismCurve, optionKey(text) }),
		credential(optionInfo{name: "curve_secretkey", number: 49, unit: "Z85, or 32 octets", max: keyText, valid: validKey,
			doc: "Own secret key."},
			nil,
			func(c *security, text string) { c.mechanism, c.keys = mechanismCurve, optionKeys(text) }),
		credential(optionInfo{name: "curve_serverkey", number: 50, unit: "Z85, or 32 octets", max: keyText, valid: validKey,
			doc: "Public key of the server that a client of CURVE talks to."},
			func(c *security) string { return keyString(c.serverKey) },
			func(c *security, text string) {
				c.mechanism, c.server, c.serverKey = mechanismCurve, false, optionKey(text)
			}),
		textField(optionInfo{name: "zap_domain", number: 55, unit: "octets", max: 254,
			doc: "Domain in which a ZAP handler is asked about peers."},
			func(c *settings) *string { return &c.security.zapDomain }),
		boolField(optionInfo{name: "zap_enforce_domain", number: 93,
			doc: "With a ZAP domain, let nobody in while there is no handler."},
			func(c *settings) *bool { return &c.security.enforceDomain }),
	}
}

// mechanismField makes the socket a server of a mechanism; 0 makes it NULL.
func mechanismField(i optionInfo, mechanism string) optionInfo {
	i.kind = kindBool
	i.get = func(c *settings) optionValue {
		return boolValue(c.security.mechanism == mechanism && c.security.server)
	}
	i.set = func(c *settings, v optionValue) {
		c.security.mechanism, c.security.server = mechanism, v.n != 0
		if v.n == 0 {
			c.security.mechanism = ""
		}
	}
	return i
}

// credential is an option of text; without get it can't be read.
func credential(i optionInfo, get func(*security) string, set func(*security, string)) optionInfo {
	i.kind = kindText
	if get != nil {
		i.get = func(c *settings) optionValue { return optionValue{s: get(&c.security)} }
	}
	i.set = func(c *settings, v optionValue) { set(&c.security, v.s) }
	return i
}

// validKey holds for a key in Z85 and for 32 octets. It does not say what it
// was given.
func validKey(text string) error {
	if len(text) == keySize {
		return nil
	}
	_, err := parseKey(text)
	return err
}

// optionKey reads a key that is known to be valid.
func optionKey(text string) CurveKey {
	if len(text) == keySize {
		return CurveKey([]byte(text))
	}
	key, _ := parseKey(text) // validKey has seen it
	return key
}

func optionKeys(text string) CurveKeys {
	keys, _ := ParseCurveKeys(optionKey(text).String()) // any 32 octets are a secret key
	return keys
}

func keyString(k CurveKey) string {
	if k == (CurveKey{}) {
		return ""
	}
	return k.String()
}

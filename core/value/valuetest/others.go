package valuetest

import (
	"go.mongodb.org/mongo-driver/v2/bson"
)

func bin(b64, sub string) string {
	return `{"$binary":{"base64":"` + b64 + `","subType":"` + sub + `"}}`
}

// binaryCase is binary data of a subtype: other data of it, then the bytes as
// Ditto shows its own binaries, then what is no bytes.
func binaryCase(name string, sub byte, data []byte, b64, hex string) Case {
	return wrapped(name, bson.Binary{Subtype: sub, Data: data}, bin(b64, hex),
		Edit{bin("AwQF", hex), "", bson.Binary{Subtype: sub, Data: []byte{3, 4, 5}}},
		Edit{`[0,128,255]`, "", bson.Binary{Subtype: sub, Data: []byte{0, 128, 255}}},
		Edit{`[0,256]`, "", bson.A{int32(0), int32(256)}})
}

// plain ends as what a device writes, whatever was there.
var plain = []Edit{
	{`5`, "", int32(5)},
	{`"x"`, "", "x"},
}

var uuid = []byte("0123456789abcdef")

var others = []Case{
	binaryCase("binary", 0, []byte{1, 2, 255}, "AQL/", "00"),
	binaryCase("binary function", 1, []byte{1}, "AQ==", "01"),
	binaryCase("binary old", 2, []byte{1, 2}, "AQI=", "02"),
	{
		"binary old empty",
		bson.RawValue{Type: bson.TypeBinary, Value: []byte{4, 0, 0, 0, 2, 0, 0, 0, 0}},
		bin("", "02"), bin("", "02"), Same,
		[]Edit{{bin("AQ==", "02"), "", bson.Binary{Subtype: 2, Data: []byte{1}}}},
	},
	binaryCase("binary UUID old", 3, uuid, "MDEyMzQ1Njc4OWFiY2RlZg==", "03"),
	wrapped("binary UUID", bson.Binary{Subtype: 4, Data: uuid}, bin("MDEyMzQ1Njc4OWFiY2RlZg==", "04"),
		Edit{bin("ZmVkY2JhOTg3NjU0MzIxMA==", "04"), "", bson.Binary{Subtype: 4, Data: []byte("fedcba9876543210")}},
		Edit{`"00112233-4455-6677-8899-aabbccddeeff"`, "", "00112233-4455-6677-8899-aabbccddeeff"}),
	binaryCase("binary MD5", 5, uuid, "MDEyMzQ1Njc4OWFiY2RlZg==", "05"),
	binaryCase("binary encrypted", 6, []byte{1, 2}, "AQI=", "06"),
	binaryCase("binary column", 7, []byte{1, 2}, "AQI=", "07"),
	binaryCase("binary sensitive", 8, []byte{1, 2}, "AQI=", "08"),
	binaryCase("binary vector", 9, []byte{0x27, 0, 1}, "JwAB", "09"),
	binaryCase("binary user-defined, empty", 0x80, []byte{}, "", "80"),
	binaryCase("binary user-defined, last", 0xff, []byte{0}, "AA==", "ff"),
	{"objectId", oid("507f1f77bcf86cd799439011"), `"507f1f77bcf86cd799439011"`, `{"$oid":"507f1f77bcf86cd799439011"}`, Plain, []Edit{
		{`"507F1F77BCF86CD799439012"`, `{"$oid":"507f1f77bcf86cd799439012"}`, oid("507f1f77bcf86cd799439012")},
		{`"507f1f77bcf86cd799439013"`, "", oid("507f1f77bcf86cd799439013")},
		{`"hello"`, "", "hello"},
	}},
	wrapped("boolean", true, `true`, Edit{`false`, "", false}, Edit{`1`, "", int32(1)}),
	wrapped("boolean false", false, `false`, Edit{`true`, "", true}, Edit{`"true"`, "", "true"}),
	wrapped("null", nil, `null`, plain...),
	wrapped("undefined", bson.Undefined{}, `{"$undefined":true}`, plain...),
	wrapped("minKey", bson.MinKey{}, `{"$minKey":1}`, plain...),
	wrapped("maxKey", bson.MaxKey{}, `{"$maxKey":1}`, Edit{`null`, "", nil}),
}

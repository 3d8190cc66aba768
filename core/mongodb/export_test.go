package mongodb

// For tests of what servers at hand do not say.
var (
	ServerMessage = serverMessage
	NewWriteError = writeError
	NewRedactor   = newRedactor
)

// Clean is redactor.clean.
func (r redactor) Clean(text string) string { return r.clean(text) }

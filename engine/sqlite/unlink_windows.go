package sqlite

// unlink does nothing: Windows does not let go of the name of an open file. Close removes it.
func (s *Scratch) unlink(string) error { return nil }

package serve

// Occupy takes a slot of the server until free is called.
func (s *Server) Occupy() (free func()) {
	s.slots <- struct{}{}
	return func() { <-s.slots }
}

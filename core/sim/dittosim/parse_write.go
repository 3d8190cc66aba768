package dittosim

func (p *parser) insertion() error {
	p.st.verb = verbInsert
	if err := p.source(); err != nil {
		return err
	}
	if !p.take("DOCUMENTS") && !p.take("VALUES") {
		return p.unexpected()
	}
	for {
		if err := p.need("("); err != nil {
			return err
		}
		e, err := p.expression()
		if err != nil {
			return err
		}
		if !e.constant() {
			return unsupportedf(p.peek().start, "a path in DOCUMENTS")
		}
		p.st.documents = append(p.st.documents, e)
		if err := p.need(")"); err != nil {
			return err
		}
		if !p.take(",") {
			break
		}
	}
	if !p.take("ON", "ID", "CONFLICT") {
		return nil
	}
	switch {
	case p.take("FAIL"):
	case p.take("DO", "NOTHING"):
		p.st.conflict = conflictNothing
	case p.take("DO", "UPDATE"):
		p.st.conflict = conflictUpdate
	default:
		p.take("DO")
		return p.unexpected()
	}
	return nil
}

func (p *parser) update() error {
	p.st.verb = verbUpdate
	if err := p.source(); err != nil {
		return err
	}
	for _, clause := range []string{"APPLY", "SET", "UNSET"} {
		if !p.take(clause) {
			continue
		}
		for {
			c, err := p.change(clause)
			if err != nil {
				return err
			}
			p.st.changes = append(p.st.changes, c)
			if !p.take(",") {
				break
			}
		}
	}
	if p.is("APPLY") || p.is("SET") {
		return p.unexpected()
	}
	if len(p.st.changes) == 0 {
		return parseErrorf(p.peek().start, "Missing SET and/or UNSET clause")
	}
	return p.condition()
}

func (p *parser) change(clause string) (c change, err error) {
	if c.path, err = p.path(); err != nil {
		return c, err
	}
	switch {
	case clause == "UNSET":
		c.op = modUnset
		return c, nil
	case clause == "SET":
		c.op = modSet
		err = p.need("=")
	case p.take("RESTART", "WITH"):
		c.op = modRestart
	case p.take("RESTART"):
		c.op = modRestart
		c.expr = &expr{op: opLiteral, value: integer(0)}
		return c, nil
	case p.take("INCREMENT"):
		c.op = modIncrement
		err = p.need("BY")
	case p.take("PN_INCREMENT"):
		c.op = modPN
		err = p.need("BY")
	default:
		err = p.unexpected()
	}
	if err != nil {
		return c, err
	}
	if c.expr, err = p.expression(); err != nil {
		return c, err
	}
	// Outside WHERE and the columns a path is never qualified: c.x is the
	// field x of the field c.
	c.expr.unqualify(p.st.qualifier)
	return c, nil
}

// path reads the target of a change.
func (p *parser) path() ([]string, error) {
	var segments []string
	for {
		s, err := p.name()
		if err != nil {
			return nil, err
		}
		segments = append(segments, s)
		if !p.take(".") {
			return segments, nil
		}
	}
}

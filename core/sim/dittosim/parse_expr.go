package dittosim

import (
	"slices"
	"strings"
)

func (p *parser) expression() (*expr, error) {
	start := p.peek().start
	e, err := p.binary(0)
	if err == nil && e.src == "" {
		e.src = p.src[start:p.tokens[p.pos-1].end]
	}
	return e, err
}

// levels are the binary operators, the loosest first. NOT stands between the
// second and the third.
var levels = [][]struct {
	word string
	op   op
}{
	{{"OR", opOr}},
	{{"AND", opAnd}},
	{
		{"=", opEqual},
		{"==", opEqual},
		{"!=", opNotEqual},
		{"<>", opNotEqual},
		{"<=", opLessEqual},
		{">=", opGreaterEqual},
		{"<", opLess},
		{">", opGreater},
		{"IN", opIn},
	},
	{{"+", opAdd}, {"-", opSub}},
}

const comparing = 2

func (p *parser) binary(level int) (*expr, error) {
	if level == len(levels) {
		return p.unary()
	}
	if level == comparing && p.take("NOT") {
		e, err := p.binary(comparing)
		return &expr{op: opNot, a: e}, err
	}
	left, err := p.binary(level + 1)
	if err != nil {
		return nil, err
	}
next:
	for {
		if level == comparing {
			switch {
			case p.is("IS"):
				if left, err = p.test(left); err != nil {
					return nil, err
				}
				continue
			case p.take("NOT", "IN"):
				right, err := p.members()
				if err != nil {
					return nil, err
				}
				left = &expr{op: opNot, a: &expr{op: opIn, a: left, b: right}}
				continue
			}
		}
		for _, o := range levels[level] {
			if !p.take(o.word) {
				continue
			}
			var right *expr
			if o.op == opIn {
				right, err = p.members()
			} else {
				right, err = p.binary(level + 1)
			}
			if err != nil {
				return nil, err
			}
			if left, err = p.combine(o.op, left, right); err != nil {
				return nil, err
			}
			continue next
		}
		return left, nil
	}
}

// combine builds a binary expression.
func (p *parser) combine(o op, a, b *expr) (*expr, error) {
	switch {
	case o == opAnd || o == opOr:
		return p.logical(o, a, b)
	case o == opEqual && a.op == opSerialize && b.op == opSerialize:
		return &expr{op: opSameJSON, a: a.a, b: b.a}, nil
	case o >= opEqual && o <= opGreaterEqual && (a.isNull() || b.isNull()):
		// Beside NULL in the statement itself a comparison is missing, beside
		// any other null it is null.
		return &expr{op: opLiteral}, nil
	}
	return &expr{op: o, a: a, b: b}, nil
}

// logical builds AND and OR; of one kind, they form one list. The engine
// settles constants beforehand, and what else they stand beside may then fail
// or not fail in ways that this one does not follow.
func (p *parser) logical(o op, operands ...*expr) (*expr, error) {
	e := &expr{op: o}
	for _, x := range operands {
		switch {
		case x.constant():
			return nil, unsupportedf(p.peek().start, "a constant beside AND or OR")
		case x.op == o:
			e.list = append(e.list, x.list...)
		default:
			e.list = append(e.list, x)
		}
	}
	return e, nil
}

// test reads IS [NOT] MISSING and IS [NOT] NULL.
func (p *parser) test(left *expr) (*expr, error) {
	p.pos++
	not := p.take("NOT")
	e := &expr{a: left}
	switch {
	case p.take("MISSING"):
		e.op = opIsMissing
	case p.take("NULL"):
		e.op = opIsNull
	default:
		return nil, p.unexpected()
	}
	if not {
		e = &expr{op: opNot, a: e}
	}
	return e, nil
}

// members reads what stands after IN: a list in parentheses or an expression.
func (p *parser) members() (*expr, error) {
	if !p.is("(") {
		return p.binary(comparing + 1)
	}
	p.pos++
	if p.is(")") {
		return nil, parseErrorf(p.peek().start, "Unexpected token ); expected an expression")
	}
	list, err := p.list(")")
	return &expr{op: opArray, list: list}, err
}

func (p *parser) list(end string) ([]*expr, error) {
	var list []*expr
	if p.take(end) {
		return nil, nil
	}
	for {
		e, err := p.expression()
		if err != nil {
			return nil, err
		}
		list = append(list, e)
		if p.take(end) {
			return list, nil
		}
		if err := p.need(","); err != nil {
			return nil, err
		}
	}
}

func (p *parser) unary() (*expr, error) {
	if p.take("-") {
		e, err := p.unary()
		if err != nil {
			return nil, err
		}
		if e.op == opLiteral && e.value.isNumber() {
			return &expr{op: opLiteral, value: negate(e.value)}, nil
		}
		return &expr{op: opNegate, a: e}, nil
	}
	start := p.peek().start
	e, err := p.primary()
	if err != nil {
		return nil, err
	}
	for {
		switch {
		case p.take("["):
			i, err := p.expression()
			if err != nil {
				return nil, err
			}
			if err := p.need("]"); err != nil {
				return nil, err
			}
			e = &expr{op: opIndex, a: e, b: i}
		case p.take("."):
			name, err := p.name()
			if err != nil {
				return nil, err
			}
			if e.op == opPath {
				e.path = append(e.path, name)
			} else {
				e = &expr{op: opGet, a: e, path: []string{name}}
			}
		default:
			e.qualify(p.st.qualifier)
			if e.src == "" {
				e.src = p.src[start:p.tokens[p.pos-1].end]
			}
			return e, nil
		}
	}
}

func (p *parser) primary() (*expr, error) {
	t := p.peek()
	switch t.kind {
	case tokNumber:
		n, ok := parseNumber(t.text)
		if !ok {
			return nil, parseErrorf(t.start, "number out of range")
		}
		p.pos++
		return &expr{op: opLiteral, value: &n}, nil
	case tokString:
		p.pos++
		return &expr{op: opLiteral, value: text(t.text)}, nil
	case tokParam:
		p.pos++
		i := slices.Index(p.st.params, t.text)
		if i < 0 {
			i = len(p.st.params)
			p.st.params = append(p.st.params, t.text)
		}
		return &expr{op: opParam, param: i}, nil
	case tokName, tokQuotedName:
		return p.named(t)
	}
	switch {
	case p.take("("):
		e, err := p.expression()
		if err != nil {
			return nil, err
		}
		return e.closed(), p.need(")")
	case p.take("["):
		list, err := p.list("]")
		return &expr{op: opArray, list: list}, err
	case p.take("{"):
		return p.object()
	}
	return nil, parseErrorf(t.start, "Unexpected %s", p.describe())
}

// closed keeps a path in parentheses from being continued or qualified again.
func (e *expr) closed() *expr {
	if e.op == opPath {
		return &expr{op: opGet, a: e, src: e.src}
	}
	return e
}

func (p *parser) object() (*expr, error) {
	e := &expr{op: opObject}
	if p.take("}") {
		return e, nil
	}
	for {
		if p.peek().kind != tokString {
			return nil, p.unexpected()
		}
		e.path = append(e.path, p.peek().text)
		p.pos++
		// A name directly after the colon was read as a parameter.
		if t := p.peek(); t.kind == tokParam {
			p.tokens[p.pos] = token{tokName, t.text, t.start + 1, t.end}
		} else if err := p.need(":"); err != nil {
			return nil, err
		}
		v, err := p.expression()
		if err != nil {
			return nil, err
		}
		e.list = append(e.list, v)
		if p.take("}") {
			return e, nil
		}
		if err := p.need(","); err != nil {
			return nil, err
		}
	}
}

// functions are those that an expression may call, with one argument or two.
var functions = map[string]struct {
	op   op
	args int
}{
	"array_position":   {opPosition, 2},
	"serialize_json":   {opSerialize, 1},
	"deserialize_json": {opDeserialize, 1},
	"type":             {opType, 1},
}

func (p *parser) named(t token) (*expr, error) {
	if t.kind == tokName {
		switch strings.ToUpper(t.text) {
		case "TRUE", "FALSE":
			p.pos++
			return &expr{op: opLiteral, value: boolean(strings.EqualFold(t.text, "true"))}, nil
		case "NULL":
			p.pos++
			return &expr{op: opLiteral, value: null()}, nil
		}
		if p.tokens[p.pos+1].text == "(" && p.tokens[p.pos+1].kind == tokPunct {
			return p.call(t)
		}
	}
	name, err := p.name()
	return &expr{op: opPath, path: []string{name}}, err
}

func (p *parser) call(t token) (*expr, error) {
	f, ok := functions[strings.ToLower(t.text)]
	if !ok {
		return nil, unsupportedf(t.start, "the function "+t.text)
	}
	p.pos += 2
	args, err := p.list(")")
	if err != nil {
		return nil, err
	}
	if len(args) != f.args {
		return nil, parseErrorf(t.start, "%s takes %d argument(s)", t.text, f.args)
	}
	e := &expr{op: f.op, a: args[0]}
	if f.args == 2 {
		e.b = args[1]
	}
	return e, nil
}

// qualify drops the collection, or its alias, from the front of a path: inv.x
// is the field x, and inv alone the document (an empty path).
func (e *expr) qualify(name string) {
	if e.op == opPath && e.path[0] == name {
		e.path, e.qualified = e.path[1:], true
	}
}

// unqualify puts the name back as the field that it means in SET.
func (e *expr) unqualify(name string) {
	if e == nil {
		return
	}
	if e.op == opPath && e.qualified {
		e.path, e.qualified = append([]string{name}, e.path...), false
	}
	e.a.unqualify(name)
	e.b.unqualify(name)
	for _, x := range e.list {
		x.unqualify(name)
	}
}

func (e *expr) isNull() bool { return e.op == opLiteral && e.value.isNull() }

// isID reports whether e is the document's id.
func (e *expr) isID() bool { return e.op == opPath && len(e.path) == 1 && e.path[0] == "_id" }

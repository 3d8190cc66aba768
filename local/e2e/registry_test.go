package e2e_test

// registry are the collections of all tests.
var registry = [][]*collection{walkers, counting, typed, ruled, identified, spoiled, faulty, hostile}

package postgres

func childMain() {}

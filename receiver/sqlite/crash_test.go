package sqlite_test

func childMain() {}

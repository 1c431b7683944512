DELETE FROM duplicate;

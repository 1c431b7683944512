-- Before it is made anew for other rows than the version before had in it.
DROP INDEX card_live;

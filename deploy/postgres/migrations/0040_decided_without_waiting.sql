-- Codes that are redeemed together wait no longer for anybody than a batch is waited for.
--
-- New against 0037: an insert has to wait where another transaction has inserted that family and not committed
-- it, or holds the tenant's row as nobody should. Then the statement ends, with nothing done, and each code is
-- redeemed by itself: the others of its batch at once.
alter function token.redeem_codes set lock_timeout = '100ms';

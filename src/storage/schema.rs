//! The tables, as diesel sees them on both databases. A test compares them with what the migrations make.

#![allow(missing_docs, reason = "the migrations say what the columns mean")]

diesel::table! {
    networks (id) {
        id -> BigInt,
        name -> Text,
        time_zone -> Text,
        settings -> Text,
        version -> BigInt,
        sandbox -> Bool,
        clock_offset_us -> BigInt,
        created_at -> Timestamp,
    }
}

diesel::table! {
    venues (network_id, id) {
        network_id -> BigInt,
        id -> BigInt,
        external_id -> Nullable<Text>,
        name -> Text,
        time_zone -> Text,
        base_percent -> BigInt,
        types -> Text,
        default_type -> Text,
        settings -> Text,
        created_at -> Timestamp,
        archived_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    rules (network_id, id) {
        network_id -> BigInt,
        id -> BigInt,
        venue_id -> BigInt,
        name -> Nullable<Text>,
        condition -> Text,
        coefficient -> BigInt,
        created_at -> Timestamp,
    }
}

diesel::table! {
    categories (network_id, id) {
        network_id -> BigInt,
        id -> BigInt,
        venue_id -> BigInt,
        external_id -> Text,
        name -> Text,
        coefficient -> Nullable<BigInt>,
        redeemable -> Bool,
    }
}

diesel::table! {
    products (network_id, id) {
        network_id -> BigInt,
        id -> BigInt,
        venue_id -> BigInt,
        external_id -> Nullable<Text>,
        name -> Text,
        category_id -> Nullable<Text>,
        price -> Nullable<BigInt>,
        barcode -> Nullable<Text>,
        coefficient -> Nullable<BigInt>,
        redeemable -> Bool,
        unit -> Text,
    }
}

diesel::table! {
    category_groups (network_id, id) {
        network_id -> BigInt,
        id -> BigInt,
        venue_id -> BigInt,
        name -> Text,
        category_ids -> Text,
        coefficient -> BigInt,
    }
}

diesel::table! {
    customers (network_id, id) {
        network_id -> BigInt,
        id -> BigInt,
        external_id -> Nullable<Text>,
        status -> Text,
        name -> Nullable<Text>,
        phone -> Nullable<Text>,
        phone_end -> Nullable<Text>,
        email -> Nullable<Text>,
        birthday -> Nullable<Date>,
        sex -> Nullable<Text>,
        city -> Nullable<Text>,
        comment -> Nullable<Text>,
        cashier_note -> Nullable<Text>,
        consent_version -> Nullable<Text>,
        consent_at -> Nullable<Timestamp>,
        network_coefficient -> Nullable<BigInt>,
        venue_id -> Nullable<BigInt>,
        registered_at -> Nullable<Timestamp>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    customer_coefficients (network_id, customer_id, venue_id) {
        network_id -> BigInt,
        customer_id -> BigInt,
        venue_id -> BigInt,
        coefficient -> BigInt,
    }
}

diesel::table! {
    cards (network_id, id) {
        network_id -> BigInt,
        id -> BigInt,
        number -> Text,
        customer_id -> BigInt,
        kind -> Text,
        status -> Text,
        replaced_by -> Nullable<BigInt>,
        created_at -> Timestamp,
    }
}

diesel::table! {
    accounts (network_id, customer_id) {
        network_id -> BigInt,
        customer_id -> BigInt,
        version -> BigInt,
        debt -> BigInt,
        sequence -> BigInt,
        head -> Binary,
        last_purchase_at -> Nullable<Timestamp>,
        due_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    lots (network_id, id) {
        network_id -> BigInt,
        id -> BigInt,
        customer_id -> BigInt,
        amount -> BigInt,
        remaining -> BigInt,
        starts_at -> Timestamp,
        expires_at -> Nullable<Timestamp>,
        scope_venue_id -> Nullable<BigInt>,
        issuer_venue_id -> Nullable<BigInt>,
        receipt_id -> Nullable<BigInt>,
    }
}

diesel::table! {
    holds (network_id, id) {
        network_id -> BigInt,
        id -> BigInt,
        venue_id -> BigInt,
        source -> Text,
        external_id -> Text,
        customer_id -> BigInt,
        amount -> BigInt,
        ends_at -> Timestamp,
        status -> Text,
        released -> BigInt,
        created_at -> Timestamp,
        order_name -> Nullable<Text>,
    }
}

diesel::table! {
    hold_parts (network_id, hold_id, sequence) {
        network_id -> BigInt,
        hold_id -> BigInt,
        sequence -> Integer,
        lot_id -> BigInt,
        amount -> BigInt,
    }
}

diesel::table! {
    receipts (network_id, id) {
        network_id -> BigInt,
        id -> BigInt,
        venue_id -> BigInt,
        source -> Text,
        external_id -> Text,
        version -> Nullable<BigInt>,
        status -> Text,
        fingerprint -> Binary,
        customer_id -> Nullable<BigInt>,
        kind -> Text,
        number -> Nullable<Text>,
        till -> Nullable<Text>,
        shift -> Nullable<Text>,
        waiter -> Nullable<Text>,
        guests -> Nullable<Integer>,
        comment -> Nullable<Text>,
        advertising_source -> Nullable<Text>,
        total -> BigInt,
        redeemed -> BigInt,
        accrued -> BigInt,
        closed_at -> Timestamp,
        posted_at -> Timestamp,
        business_date -> Date,
        weekday -> Integer,
        hour -> Integer,
        payments -> Text,
        answer -> Text,
        awaits -> Nullable<BigInt>,
        revision -> BigInt,
        told_at -> Timestamp,
        as_told -> Nullable<Binary>,
    }
}

diesel::table! {
    receipt_lines (network_id, receipt_id, sequence) {
        network_id -> BigInt,
        receipt_id -> BigInt,
        sequence -> Integer,
        line_id -> Text,
        name -> Text,
        product_id -> Nullable<Text>,
        category_id -> Nullable<Text>,
        category_name -> Nullable<Text>,
        quantity -> BigInt,
        price -> Nullable<BigInt>,
        amount -> BigInt,
        redeemed -> BigInt,
        accrued -> BigInt,
        returned_quantity -> BigInt,
        returned_amount -> BigInt,
        returned_by -> Nullable<Text>,
        redemption_undone -> BigInt,
        accrual_undone -> BigInt,
    }
}

diesel::table! {
    redemption_parts (network_id, transaction_id, sequence) {
        network_id -> BigInt,
        transaction_id -> BigInt,
        sequence -> Integer,
        receipt_id -> Nullable<BigInt>,
        lot_id -> Nullable<BigInt>,
        amount -> BigInt,
        refunded -> BigInt,
        starts_at -> Nullable<Timestamp>,
        expires_at -> Nullable<Timestamp>,
        scope_venue_id -> Nullable<BigInt>,
        issuer_venue_id -> Nullable<BigInt>,
        payer_id -> Nullable<BigInt>,
    }
}

diesel::table! {
    write_offs (network_id, transaction_id) {
        network_id -> BigInt,
        transaction_id -> BigInt,
        venue_id -> BigInt,
        source -> Text,
        session -> Text,
        hold_id -> Nullable<BigInt>,
        customer_id -> BigInt,
        amount -> BigInt,
        debt -> BigInt,
        posted_at -> Timestamp,
        receipt_id -> Nullable<BigInt>,
        settled_at -> Nullable<Timestamp>,
        settlement -> Nullable<Text>,
        settled_by -> Nullable<Text>,
        note -> Nullable<Text>,
    }
}

diesel::table! {
    returns (network_id, id) {
        network_id -> BigInt,
        id -> BigInt,
        venue_id -> BigInt,
        source -> Text,
        external_id -> Text,
        sale_venue_id -> BigInt,
        sale_source -> Text,
        sale_external_id -> Text,
        receipt_id -> Nullable<BigInt>,
        fingerprint -> Binary,
        status -> Text,
        amount -> BigInt,
        accrual_undone -> BigInt,
        redemption_undone -> BigInt,
        request -> Text,
        answer -> Text,
        posted_at -> Timestamp,
        actor -> Text,
        settled_at -> Nullable<Timestamp>,
        settled_by -> Nullable<Text>,
        note -> Nullable<Text>,
        told_at -> Timestamp,
        undone_by -> Nullable<BigInt>,
    }
}

diesel::table! {
    transactions (network_id, id) {
        network_id -> BigInt,
        id -> BigInt,
        customer_id -> BigInt,
        sequence -> BigInt,
        kind -> Text,
        direction -> Text,
        amount -> BigInt,
        venue_id -> Nullable<BigInt>,
        receipt_id -> Nullable<BigInt>,
        return_id -> Nullable<BigInt>,
        happened_at -> Timestamp,
        posted_at -> Timestamp,
        actor -> Text,
        comment -> Nullable<Text>,
        hash -> Binary,
    }
}

diesel::table! {
    postings (network_id, transaction_id, sequence) {
        network_id -> BigInt,
        transaction_id -> BigInt,
        sequence -> Integer,
        account -> Text,
        customer_id -> BigInt,
        venue_id -> Nullable<BigInt>,
        issuer_venue_id -> Nullable<BigInt>,
        amount -> BigInt,
    }
}

diesel::table! {
    checkpoints (network_id, sequence) {
        network_id -> BigInt,
        sequence -> BigInt,
        covers_until -> Timestamp,
        customers -> BigInt,
        transactions -> BigInt,
        hash -> Binary,
        created_at -> Timestamp,
    }
}

diesel::table! {
    events (network_id, id) {
        network_id -> BigInt,
        id -> BigInt,
        kind -> Text,
        customer_id -> Nullable<BigInt>,
        subject -> Text,
        at -> Timestamp,
    }
}

diesel::table! {
    messages (network_id, id) {
        network_id -> BigInt,
        id -> BigInt,
        venue_id -> Nullable<BigInt>,
        connection_id -> Nullable<BigInt>,
        kind -> Text,
        method -> Text,
        path -> Text,
        query -> Text,
        content_type -> Nullable<Text>,
        body -> Binary,
        received_at -> Timestamp,
        outcome -> Text,
        code -> Nullable<Text>,
        detail -> Nullable<Text>,
        subject -> Nullable<Text>,
        took_ms -> Nullable<BigInt>,
        needs_nobody -> Nullable<Text>,
        first_detail -> Nullable<Text>,
    }
}

diesel::table! {
    remembered_answers (network_id, actor, idempotency_key) {
        network_id -> BigInt,
        actor -> Text,
        idempotency_key -> Text,
        fingerprint -> Binary,
        status -> Integer,
        answer -> Text,
        created_at -> Timestamp,
    }
}

diesel::table! {
    users (network_id, id) {
        network_id -> BigInt,
        id -> BigInt,
        login -> Text,
        name -> Text,
        role -> Text,
        venue_ids -> Nullable<Text>,
        password_hash -> Text,
        active -> Bool,
        created_at -> Timestamp,
    }
}

diesel::table! {
    sessions (network_id, token_hash) {
        network_id -> BigInt,
        token_hash -> Binary,
        user_id -> BigInt,
        created_at -> Timestamp,
        expires_at -> Timestamp,
    }
}

diesel::table! {
    invitations (token_hash) {
        token_hash -> Binary,
        created_at -> Timestamp,
        expires_at -> Timestamp,
        used_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    api_keys (network_id, id) {
        network_id -> BigInt,
        id -> BigInt,
        name -> Text,
        prefix -> Text,
        secret_hash -> Binary,
        scopes -> Text,
        venue_id -> Nullable<BigInt>,
        test -> Bool,
        created_at -> Timestamp,
        expires_at -> Nullable<Timestamp>,
        revoked_at -> Nullable<Timestamp>,
        last_used_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    connections (network_id, id) {
        network_id -> BigInt,
        id -> BigInt,
        venue_id -> BigInt,
        kind -> Text,
        name -> Text,
        token_hash -> Binary,
        settings -> Text,
        language -> Text,
        active -> Bool,
        created_at -> Timestamp,
        poll_state -> Nullable<Text>,
        poll_due_at -> Timestamp,
        poll_lease -> Nullable<BigInt>,
        poll_leased_until -> Nullable<Timestamp>,
        poll_succeeded_at -> Nullable<Timestamp>,
        poll_failed_at -> Nullable<Timestamp>,
        poll_failure -> Nullable<Text>,
        poll_failures -> Integer,
        watch -> Nullable<Text>,
        heard_at -> Nullable<Timestamp>,
        shares_orders_with -> Nullable<BigInt>,
        only_from -> Text,
        orders_before -> Text,
    }
}

diesel::table! {
    errands (network_id, connection_id, id) {
        network_id -> BigInt,
        connection_id -> BigInt,
        id -> BigInt,
        key -> Text,
        what -> Text,
        tries -> Integer,
        put_off_until -> Nullable<Timestamp>,
        left_at -> Timestamp,
    }
}

diesel::table! {
    order_names (network_id, source, name) {
        network_id -> BigInt,
        source -> Text,
        name -> Text,
        external_id -> Text,
        created_at -> Timestamp,
    }
}

diesel::table! {
    product_namesakes (network_id, venue_id, external_id) {
        network_id -> BigInt,
        venue_id -> BigInt,
        external_id -> Text,
        category_id -> Nullable<Text>,
    }
}

diesel::table! {
    connection_alerts (network_id, id) {
        network_id -> BigInt,
        id -> BigInt,
        connection_id -> BigInt,
        kind -> Text,
        code -> Nullable<Text>,
        began_at -> Timestamp,
        ended_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    audit_log (network_id, id) {
        network_id -> BigInt,
        id -> BigInt,
        actor -> Text,
        action -> Text,
        subject -> Text,
        before -> Nullable<Text>,
        after -> Nullable<Text>,
        at -> Timestamp,
    }
}

diesel::table! {
    network_secrets (network_id) {
        network_id -> BigInt,
        secret -> Binary,
        created_at -> Timestamp,
    }
}

diesel::table! {
    till_devices (network_id, id) {
        network_id -> BigInt,
        id -> BigInt,
        venue_id -> BigInt,
        name -> Text,
        token_hash -> Binary,
        enrolled_by -> BigInt,
        created_at -> Timestamp,
        revoked_at -> Nullable<Timestamp>,
        cashier_id -> Nullable<BigInt>,
        cashier_since -> Nullable<Timestamp>,
        password_at -> Nullable<Timestamp>,
        active_at -> Timestamp,
        screen_generation -> Integer,
        screen_hash -> Binary,
        screen_version -> BigInt,
        screen_state -> Nullable<Text>,
    }
}

diesel::table! {
    user_pins (network_id, user_id) {
        network_id -> BigInt,
        user_id -> BigInt,
        pin_hash -> Text,
        wrong -> Integer,
        set_at -> Timestamp,
    }
}

diesel::table! {
    message_ticks (network_id, venue_id, business_date, customer_id, code) {
        network_id -> BigInt,
        venue_id -> BigInt,
        business_date -> Date,
        customer_id -> BigInt,
        code -> Text,
        actor -> Text,
        ticked_at -> Timestamp,
    }
}

diesel::table! {
    favourites (network_id, venue_id, product_id) {
        network_id -> BigInt,
        venue_id -> BigInt,
        product_id -> BigInt,
        sequence -> Integer,
    }
}

diesel::table! {
    till_conflicts (network_id, id) {
        network_id -> BigInt,
        id -> BigInt,
        venue_id -> BigInt,
        source -> Text,
        external_id -> Text,
        till -> Nullable<Text>,
        cashier_id -> Nullable<BigInt>,
        cashier_name -> Nullable<Text>,
        code -> Text,
        words_ru -> Text,
        words_en -> Text,
        receipt -> Text,
        received_at -> Timestamp,
        status -> Text,
        settled_by -> Nullable<Text>,
        settled_at -> Nullable<Timestamp>,
        note -> Nullable<Text>,
    }
}

diesel::table! {
    till_files (network_id, connection_id, folder, name, part) {
        network_id -> BigInt,
        connection_id -> BigInt,
        folder -> Text,
        name -> Text,
        part -> Integer,
        body -> Binary,
        was_read -> Bool,
        received_at -> Timestamp,
    }
}

diesel::table! {
    reconciliations (network_id, connection_id, day) {
        network_id -> BigInt,
        connection_id -> BigInt,
        day -> Date,
        venue_id -> BigInt,
        told_at -> Timestamp,
        orders_told -> Integer,
        amount_told -> BigInt,
        orders_known -> Integer,
        amount_known -> BigInt,
    }
}

diesel::table! {
    reconciliation_differences (network_id, id) {
        network_id -> BigInt,
        id -> BigInt,
        connection_id -> BigInt,
        venue_id -> BigInt,
        day -> Date,
        order_name -> Text,
        kind -> Text,
        number -> Nullable<Text>,
        closed_at -> Nullable<Timestamp>,
        told -> Nullable<BigInt>,
        known -> Nullable<BigInt>,
        receipt_id -> Nullable<BigInt>,
        status -> Text,
        found_at -> Timestamp,
        ended_at -> Nullable<Timestamp>,
        settled_by -> Nullable<Text>,
        note -> Nullable<Text>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    networks,
    venues,
    rules,
    categories,
    products,
    category_groups,
    customers,
    customer_coefficients,
    cards,
    accounts,
    lots,
    holds,
    hold_parts,
    receipts,
    receipt_lines,
    redemption_parts,
    write_offs,
    returns,
    transactions,
    postings,
    checkpoints,
    events,
    messages,
    remembered_answers,
    users,
    sessions,
    invitations,
    api_keys,
    connections,
    errands,
    connection_alerts,
    order_names,
    product_namesakes,
    audit_log,
    network_secrets,
    till_devices,
    user_pins,
    message_ticks,
    favourites,
    till_conflicts,
    till_files,
    reconciliations,
    reconciliation_differences,
);

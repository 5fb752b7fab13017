package main

import (
	"net/http"
	"slices"

	"github.com/djsess/djsess/djsession"
)

var shop = []string{"tea", "coffee", "cake"}

// cart is how many of what, as Django's views keep it in the session.
type cart map[string]int

// line is a line of the cart's page.
type line struct {
	Item     string
	Quantity int
}

func (s *service) showCart(w http.ResponseWriter, r *http.Request) error {
	sess, err := djsession.FromRequest(r)
	if err != nil {
		return err
	}
	c, err := djsession.GetOr(sess, "cart", cart{})
	if err != nil {
		return err
	}
	var lines []line
	for _, item := range shop {
		lines = append(lines, line{item, c[item]})
	}
	return render(w, "cart.html", lines)
}

// changeCart says what to change, not what the cart is to be. When another request of the visitor's has changed it
// meanwhile, the change is made to what that request left.
func (s *service) changeCart(w http.ResponseWriter, r *http.Request) error {
	item, by := r.PostFormValue("item"), -1
	if r.PostFormValue("by") == "1" {
		by = 1
	}
	if !slices.Contains(shop, item) {
		http.Error(w, "no such item", http.StatusBadRequest)
		return nil
	}
	sess, err := djsession.FromRequest(r)
	if err != nil {
		return err
	}
	if err := sess.Apply(djsession.Modify("cart", func(c cart) (cart, error) {
		return c.add(item, by), nil
	})); err != nil {
		return err
	}
	http.Redirect(w, r, "/go/cart", http.StatusSeeOther)
	return nil
}

func (c cart) add(item string, by int) cart {
	if c[item] += by; c[item] <= 0 {
		delete(c, item)
	}
	return c
}
